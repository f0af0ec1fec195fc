using System;

namespace BlackBox.Shield;

/// <summary>`#!` lines (Linux: fs/binfmt_script.c). The script is a file of the image like any other: what is read is verified.</summary>
internal static class Scripts
{
    /// <summary>Bytes of the line that count (BINPRM_BUF_SIZE).</summary>
    private const int LineBytes = 256;

    /// <summary>
    /// Puts the interpreter in front: its path becomes the path, the arguments become interpreter, its argument if any, the script,
    /// and the old ones from the second on. Returns 0 or -errno. Calls the OS.
    /// </summary>
    public static long Rewrite(ref Thread thread, int record, ReadOnlySpan<byte> canonical, ref ArgumentStrings strings)
    {
        Span<byte> line = stackalloc byte[LineBytes];
        long length = ReadVerified(ref thread, record, canonical, line);
        if (length < 0)
        {
            return length;
        }

        if (!TrySplit(line[..(int)length], out ReadOnlySpan<byte> interpreter, out ReadOnlySpan<byte> argument))
        {
            return -Errno.ENOEXEC;
        }

        int bytes = strings.Strings.Length + (2 * strings.PathBytes) + (2 * LineBytes) + 16;
        if (!ArgumentStrings.TryCreate(ref thread, bytes, out ArgumentStrings rewritten))
        {
            return -Errno.E2BIG;
        }

        bool fits = rewritten.TryAppendPath(interpreter) && rewritten.TryAppendArgument(interpreter)
            && (argument.Length == 0 || rewritten.TryAppendArgument(argument))
            && rewritten.TryAppendArgument(strings.Path);
        ReadOnlySpan<byte> rest = strings.Arguments;
        for (int i = 0; i < strings.ArgumentCount && fits; i++)
        {
            ReadOnlySpan<byte> text = ArgumentStrings.Next(ref rest);
            fits = i == 0 || rewritten.TryAppendArgument(text);
        }

        rest = strings.Environment;
        for (int i = 0; i < strings.EnvironmentCount && fits; i++)
        {
            fits = rewritten.TryAppendEnvironment(ArgumentStrings.Next(ref rest));
        }

        strings.Free();
        strings = rewritten;
        return fits ? 0 : -Errno.E2BIG;
    }

    /// <summary>The first bytes of the verified script.</summary>
    private static long ReadVerified(ref Thread thread, int record, ReadOnlySpan<byte> canonical, Span<byte> line)
    {
        long result = ProtectedFiles.Open(ref thread, record, canonical, out Handle<MemoryObject> file);
        if (result < 0)
        {
            return result;
        }

        result = ElfLoading.FirstPage(ref thread, file, out FrameAddress first);
        if (result == 0)
        {
            int kept = (int)Math.Min(FileTable.Record(record).Length, (ulong)line.Length);
            Frames.Bytes(first)[..kept].CopyTo(line);
            result = kept;
        }

        MemoryObjects.Release(file);
        return result;
    }

    /// <summary>Interpreter and argument of a line; text behind a NUL does not count.</summary>
    private static bool TrySplit(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> interpreter, out ReadOnlySpan<byte> argument)
    {
        interpreter = default;
        argument = default;
        if (line.Length < 3 || line[0] != (byte)'#' || line[1] != (byte)'!')
        {
            return false;
        }

        int end = line.IndexOf((byte)'\n');
        bool isCut = end < 0 && line.Length == LineBytes;
        ReadOnlySpan<byte> text = Trim(line[2..(end < 0 ? Math.Min(line.Length, LineBytes - 1) : end)]);
        int split = 0;
        while (split < text.Length && !IsBlank(text[split]) && text[split] != 0)
        {
            split++;
        }

        // A path that the end of the buffer may have cut is none.
        if (split == 0 || (isCut && split == text.Length && !IsBlank(line[LineBytes - 2])))
        {
            return false;
        }

        interpreter = text[..split];
        argument = UntilZero(Trim(text[split..]));
        return true;
    }

    private static ReadOnlySpan<byte> UntilZero(ReadOnlySpan<byte> text)
    {
        int zero = text.IndexOf((byte)0);
        return zero < 0 ? text : text[..zero];
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text)
    {
        int start = 0;
        int end = text.Length;
        while (start < end && IsBlank(text[start]))
        {
            start++;
        }

        while (end > start && IsBlank(text[end - 1]))
        {
            end--;
        }

        return text[start..end];
    }

    private static bool IsBlank(byte character) => character is (byte)' ' or (byte)'\t';
}
