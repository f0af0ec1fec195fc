using System;
using System.Runtime;

namespace BlackBox.Monitor;

/// <summary>What assembly calls (Header.S, Runtime.S).</summary>
internal static unsafe class UefiEntry
{
    [RuntimeExport("UefiMain")]
    private static ulong Main(void* handle, EfiSystemTable* system)
    {
        Efi.Start(handle, system);
        return Loader.Run();
    }

    // Before ExitBootServices only: behind it there is no C# of this program.
    [RuntimeExport("bb_panic")]
    private static void PanicText(byte* text, nuint length, nuint pc, nint fp)
    {
        Efi.Write("\r\nBLACKBOX PANIC: "u8);
        Efi.Write(new ReadOnlySpan<byte>(text, (int)length));
        Efi.Write(" (monitor.efi)\r\n"u8);
        while (true)
        {
        }
    }
}
