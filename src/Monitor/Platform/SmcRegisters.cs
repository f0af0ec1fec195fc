using System.Runtime.InteropServices;

namespace BlackBox.Monitor;

/// <summary>Arguments x0-x7 of an SMC, and its results x0-x3 (SMCCC 1.1).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SmcRegisters
{
    public ulong X0;
    public ulong X1;
    public ulong X2;
    public ulong X3;
    public ulong X4;
    public ulong X5;
    public ulong X6;
    public ulong X7;
}
