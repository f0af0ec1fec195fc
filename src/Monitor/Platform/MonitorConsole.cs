using System;

namespace BlackBox.Monitor;

/// <summary>The monitor's lines on the machine's PL011, which the OS drives too: whole lines, polled, nothing else is touched.</summary>
internal static class MonitorConsole
{
    private const ulong DataRegister = 0x00;
    private const ulong FlagRegister = 0x18;
    private const uint TransmitFull = 1 << 5;
    private const int Patience = 1_000_000;

    // QEMU's "virt" machine until the device tree was read, so that an early panic is seen.
    private static ulong _base = 0x0900_0000;

    /// <summary>Boot: where the console is; 0 for none.</summary>
    public static void SetBase(ulong address) => _base = address;

    public static void Write(ReadOnlySpan<byte> text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            WriteByte(text[i]);
        }
    }

    public static void WriteLine(ReadOnlySpan<byte> text)
    {
        Write("blackbox: "u8);
        Write(text);
        EndLine();
    }

    public static void EndLine() => Write("\r\n"u8);

    /// <summary>16 digits after 0x, as build/symbolize wants them.</summary>
    public static void WriteHex(ulong value)
    {
        Write("0x"u8);
        for (int shift = 60; shift >= 0; shift -= 4)
        {
            WriteByte("0123456789abcdef"u8[(int)(value >> shift) & 0xf]);
        }
    }

    public static void WriteDecimal(ulong value)
    {
        if (value >= 10)
        {
            WriteDecimal(value / 10);
        }

        WriteByte((byte)('0' + (value % 10)));
    }

    /// <summary>A line of an enclave's shield: Log, or its last words.</summary>
    /// <param name="text">printable ASCII</param>
    public static void WriteEnclaveText(uint enclave, ReadOnlySpan<byte> text)
    {
        Write("blackbox: enclave "u8);
        WriteDecimal(enclave);
        Write(": "u8);
        Write(text);
        EndLine();
    }

    private static void WriteByte(byte value)
    {
        if (_base == 0)
        {
            return;
        }

        for (int i = 0; i < Patience && (El2.Load32(_base + FlagRegister) & TransmitFull) != 0; i++)
        {
        }

        El2.Store32(_base + DataRegister, value);
    }
}
