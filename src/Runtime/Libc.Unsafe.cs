using System.Runtime.InteropServices;

namespace BlackBox.Runtime;

/// <summary>The C library's functions that .NET has no other name for. The program is linked statically, so there is no library to look up.</summary>
internal static unsafe partial class Libc
{
    public const int SignalPipe = 13;
    public const int OpenReadWrite = 2;
    public const int OpenCloseOnExec = 0x80000;

    /// <summary>execve(2); comes back only on failure.</summary>
    /// <returns>errno</returns>
    public static int Execute(string path, IReadOnlyList<string> arguments)
    {
        var words = Strings(arguments);
        var environment = new List<string>();
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            environment.Add($"{entry.Key}={entry.Value}");
        }

        // .NET ignores SIGPIPE, and what is ignored stays so after exec.
        _ = Signal(SignalPipe, 0);
        _ = ExecVe(path, words, Strings(environment));
        return Marshal.GetLastSystemError();
    }

    /// <returns>0, or errno.</returns>
    public static int Control(int file, uint request, Span<byte> argument)
    {
        fixed (byte* bytes = argument)
        {
            return Ioctl(file, request, bytes) < 0 ? Marshal.GetLastSystemError() : 0;
        }
    }

    // The ioctl for lists takes an address.
    public static ulong AddressOf(Span<byte> pinned) => (ulong)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetReference(pinned));

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "execve", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ExecVe(string path, byte** arguments, byte** environment);

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint Signal(int number, nint action);

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int Ioctl(int file, nuint request, byte* argument);

    /// <summary>A null-terminated array that is never freed: exec comes next.</summary>
    private static byte** Strings(IReadOnlyList<string> items)
    {
        var array = (byte**)NativeMemory.AllocZeroed((nuint)items.Count + 1, (nuint)sizeof(byte*));
        for (var i = 0; i < items.Count; i++)
        {
            array[i] = (byte*)Marshal.StringToCoTaskMemUTF8(items[i]);
        }

        return array;
    }
}
