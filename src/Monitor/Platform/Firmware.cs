namespace BlackBox.Monitor;

/// <summary>Calls to EL3 (or what stands for it).</summary>
internal static class Firmware
{
    /// <summary>SMC with three arguments; x0 of the answer.</summary>
    public static ulong Call(ulong function, ulong argument1 = 0, ulong argument2 = 0, ulong argument3 = 0)
    {
        SmcRegisters registers = default;
        registers.X0 = function;
        registers.X1 = argument1;
        registers.X2 = argument2;
        registers.X3 = argument3;
        Hardware.Smc(ref registers);
        return registers.X0;
    }
}
