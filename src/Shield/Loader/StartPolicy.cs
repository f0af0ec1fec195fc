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

        bool isEntry = IsSameProgram(ref thread, passed.Path, manifest.EntryPoint);
        if (!isEntry && !manifest.AllowsOutsideExec)
        {
            Panic.Stop(PanicReason.Start, "the manifest does not allow another entry point from outside"u8);
        }

        bool fits = strings.TryAppendPath(isEntry ? manifest.EntryPoint : passed.Path);
        ReadOnlySpan<byte> rest = passed.Arguments;
        for (int i = 0; i < passed.ArgumentCount && fits; i++)
        {
            fits = strings.TryAppendArgument(ArgumentStrings.Next(ref rest));
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
    private static bool IsSameProgram(ref Thread thread, ReadOnlySpan<byte> passed, ReadOnlySpan<byte> entry)
    {
        Span<byte> canonical = stackalloc byte[PathWork.MaxPath];
        _ = Programs.ResolveAny(ref thread, entry, canonical, out int right);
        _ = Programs.ResolveAny(ref thread, passed, canonical, out int left);
        return left >= 0 && left == right;
    }
}
