using System;

namespace BlackBox.Shield;

/// <summary>The manifest's rule for what the OS passes at the first start: path, arguments, environment.</summary>
internal static class StartPolicy
{
    /// <summary>
    /// Makes the strings with which the first program starts from what the OS passed. Stops the enclave when the rule does not
    /// allow it.
    /// </summary>
    public static void Apply(ref Thread thread, ref ArgumentStrings passed, in Manifest manifest, out ArgumentStrings strings)
    {
        int bytes = passed.Strings.Length + manifest.Arguments.Length + manifest.Environment.Length + (2 * Paths.Longest);
        if (!ArgumentStrings.TryCreate(ref thread, bytes, out strings))
        {
            Panic.Stop(PanicReason.OutOfMemory, "no memory for the arguments"u8);
        }

        // A script that Linux was told to start comes as its interpreter with the script among the arguments: see CountScriptArguments.
        int skipped = 0;
        bool isEntry = IsSameProgram(ref thread, passed.Path, manifest.EntryPoint, out bool isScript);
        if (isScript && !isEntry)
        {
            skipped = CountScriptArguments(ref thread, ref passed, manifest);
            isEntry = skipped > 0;
        }

        if (!isEntry && !manifest.AllowsOutsideExec)
        {
            Panic.Stop(PanicReason.Start, "the manifest does not allow another entry point from outside"u8);
        }

        bool fits = strings.TryAppendPath(isEntry ? manifest.EntryPoint : passed.Path);
        if (skipped > 0)
        {
            fits = fits && strings.TryAppendArgument(FirstArgument(manifest));
        }

        ReadOnlySpan<byte> rest = passed.Arguments;
        for (int i = 0; i < passed.ArgumentCount && fits; i++)
        {
            ReadOnlySpan<byte> text = ArgumentStrings.Next(ref rest);
            fits = i < skipped || strings.TryAppendArgument(text);
        }

        if (fits && isEntry && !Matches(strings.Arguments, strings.ArgumentCount, manifest))
        {
            Panic.Stop(PanicReason.Start, "arguments are outside the manifest's rule"u8);
        }

        if (!fits || !TryEnvironment(ref passed, manifest, ref strings))
        {
            Panic.Stop(PanicReason.Start, "arguments or environment are too long"u8);
        }
    }

    /// <summary>
    /// The entry point is a script. Linux's binfmt_script has replaced it by its interpreter then, and argv[0] by: the interpreter, its
    /// argument if the `#!` line has one, the script's path (of nested scripts, more of that). The same is made here from the verified
    /// script; what Linux passed must be exactly that, but for the spelling of the script's path. Returns the number of these
    /// arguments, which stand for argv[0]; 0: something else was passed. Calls the OS.
    /// </summary>
    private static int CountScriptArguments(ref Thread thread, ref ArgumentStrings passed, in Manifest manifest)
    {
        if (!ArgumentStrings.TryCreate(ref thread, 2 * PathWork.MaxPath, out ArgumentStrings expected))
        {
            Panic.Stop(PanicReason.OutOfMemory, "no memory for the arguments"u8);
        }

        Span<byte> canonical = stackalloc byte[PathWork.MaxPath];
        bool isGood = expected.TryAppendPath(manifest.EntryPoint) && expected.TryAppendArgument(manifest.EntryPoint)
            && Programs.FollowScripts(ref thread, ref expected, canonical, out _) > 0
            && passed.ArgumentCount >= expected.ArgumentCount
            && IsSameProgram(ref thread, passed.Path, expected.Path, out _);
        ReadOnlySpan<byte> have = passed.Arguments;
        ReadOnlySpan<byte> want = expected.Arguments;
        int count = expected.ArgumentCount;
        for (int i = 0; i < count && isGood; i++)
        {
            ReadOnlySpan<byte> left = ArgumentStrings.Next(ref have);
            ReadOnlySpan<byte> right = ArgumentStrings.Next(ref want);
            isGood = left.SequenceEqual(right) || (i == count - 1 && IsSameProgram(ref thread, left, right, out _));
        }

        expected.Free();
        return isGood ? count : 0;
    }

    /// <summary>argv[0] as the manifest has it. Linux does not pass it to a script, which cannot see it either.</summary>
    private static ReadOnlySpan<byte> FirstArgument(in Manifest manifest)
    {
        CborReader arguments = new(manifest.Arguments);
        return manifest.ArgumentCount > 0 && arguments.TryText(out ReadOnlySpan<byte> text) ? text : manifest.EntryPoint;
    }

    /// <summary>The rule for arguments: all of the list, at the front; with mode Fixed nothing more.</summary>
    private static bool Matches(ReadOnlySpan<byte> arguments, int count, in Manifest manifest)
    {
        if (manifest.ArgumentMode == RuleMode.Free)
        {
            return true;
        }

        if (count < manifest.ArgumentCount || (manifest.ArgumentMode == RuleMode.Fixed && count != manifest.ArgumentCount))
        {
            return false;
        }

        CborReader expected = new(manifest.Arguments);
        for (int i = 0; i < manifest.ArgumentCount; i++)
        {
            if (!expected.TryText(out ReadOnlySpan<byte> text) || !ArgumentStrings.Next(ref arguments).SequenceEqual(text))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Fixed: the manifest's. Prefix: the manifest's, and from outside only names it lists and does not set itself, each once. Free: what
    /// was passed.
    /// </summary>
    private static bool TryEnvironment(ref ArgumentStrings passed, in Manifest manifest, ref ArgumentStrings strings)
    {
        bool fits = true;
        if (manifest.EnvironmentMode != RuleMode.Free)
        {
            CborReader own = new(manifest.Environment);
            for (int i = 0; i < manifest.EnvironmentCount && fits; i++)
            {
                fits = own.TryText(out ReadOnlySpan<byte> text) && strings.TryAppendEnvironment(text);
            }
        }

        ReadOnlySpan<byte> rest = passed.Environment;
        for (int i = 0; i < passed.EnvironmentCount && fits && manifest.EnvironmentMode != RuleMode.Fixed; i++)
        {
            ReadOnlySpan<byte> text = ArgumentStrings.Next(ref rest);
            if (manifest.EnvironmentMode == RuleMode.Free || (IsListed(text, manifest) && !IsSet(text, strings)))
            {
                fits = strings.TryAppendEnvironment(text);
            }
        }

        return fits;
    }

    private static bool IsListed(ReadOnlySpan<byte> text, in Manifest manifest)
    {
        int name = text.IndexOf((byte)'=');
        CborReader names = new(manifest.OutsideNames);
        for (int i = 0; i < manifest.OutsideNameCount; i++)
        {
            if (names.TryText(out ReadOnlySpan<byte> listed) && name > 0 && text[..name].SequenceEqual(listed))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the name has a value already: programs differ in which of two they take.</summary>
    private static bool IsSet(ReadOnlySpan<byte> text, in ArgumentStrings strings)
    {
        ReadOnlySpan<byte> name = text[..(text.IndexOf((byte)'=') + 1)];
        ReadOnlySpan<byte> rest = strings.Environment;
        for (int i = 0; i < strings.EnvironmentCount; i++)
        {
            if (ArgumentStrings.Next(ref rest).StartsWith(name))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether both paths name the same listed file.</summary>
    private static bool IsSameProgram(ref Thread thread, ReadOnlySpan<byte> passed, ReadOnlySpan<byte> entry, out bool isScript)
    {
        Span<byte> canonical = stackalloc byte[PathWork.MaxPath];
        _ = Programs.ResolveAny(ref thread, entry, canonical, out int right);
        _ = Programs.ResolveAny(ref thread, passed, canonical, out int left);
        isScript = right >= 0 && FileTable.Record(right).IsScript;
        return left >= 0 && left == right;
    }
}
