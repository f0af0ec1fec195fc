using System;

namespace BlackBox.Monitor;

/// <summary>Host stand-in for src/Monitor/Platform: a blob whose first byte is 0xa5 is "ours".</summary>
public static class MonitorKeys
{
    public static bool TryUnwrap(Span<byte> blob)
    {
        if (blob[0] != 0xa5)
        {
            return false;
        }

        blob.Slice(16, 32).Fill(0x5a);
        return true;
    }
}

/// <summary>Host stand-in: a counter.</summary>
public static class MonitorEntropy
{
    private static byte _next;

    public static bool IsSeeded { get; set; } = true;

    public static void Reset() => _next = 0;

    public static void Fill(Span<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = _next++;
        }
    }
}

/// <summary>Host stand-in: keeps the last text.</summary>
public static class MonitorConsole
{
    public static bool IsDevelopment { get; set; } = true;

    public static string LastText { get; private set; } = "";

    public static void WriteEnclaveText(uint enclave, ReadOnlySpan<byte> text) => LastText = System.Text.Encoding.ASCII.GetString(text);
}

/// <summary>Host stand-in.</summary>
public static class MonitorFeatures
{
    public static ulong Value => 0;
}
