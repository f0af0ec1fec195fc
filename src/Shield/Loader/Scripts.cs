using System;
using BlackBox.Cryptography;

namespace BlackBox.Shield;

/// <summary>`#!` lines (Linux: fs/binfmt_script.c). The script stands in clear in the image but is bound by its digest.</summary>
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

    /// <summary>Reads the whole script, checks its digest, keeps its first bytes.</summary>
    private static long ReadVerified(ref Thread thread, int record, ReadOnlySpan<byte> canonical, Span<byte> line)
    {
        ulong size = FileTable.Record(record).Length;
        if (size > PrivateBlock.MaxBytes)
        {
            return -Errno.EFBIG;
        }

        long result = OsFile.Open(ref thread, canonical, out OsFile file);
        if (result < 0)
        {
            return result;
        }

        result = -Errno.ENOMEM;
        if (PrivateBlock.TryAllocate(ref thread, (int)size, out PrivateBlock block))
        {
            Span<byte> digest = stackalloc byte[Sha256.Length];
            bool read = file.TryRead(ref thread, 0, block.Bytes) && file.Ends(ref thread, size, out _);
            Sha256.Hash(block.Bytes, digest);
            if (read && digest.SequenceEqual(FileTable.Record(record).Salt))
            {
                int kept = Math.Min(block.Length, line.Length);
                block.Bytes[..kept].CopyTo(line);
                result = kept;
            }
            else
            {
                ProtectedImage.Report(canonical, "script does not match the manifest"u8);
                result = -Errno.EIO;
            }

            block.Free();
        }

        file.Close(ref thread);
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
