using System;

namespace BlackBox.Monitor;

/// <summary>The file with the kernel's command line.</summary>
public static class CommandLine
{
    /// <summary>COMMAND_LINE_SIZE of arm64 with its NUL.</summary>
    public const int MaximumLength = 2047;

    /// <summary>Printable ASCII only: what is signed is what Linux reads.</summary>
    public static bool IsAcceptable(ReadOnlySpan<byte> text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] is < 0x20 or > 0x7e)
            {
                return false;
            }
        }

        return text.Length <= MaximumLength;
    }
}
