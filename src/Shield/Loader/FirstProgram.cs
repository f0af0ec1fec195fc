using System;

namespace BlackBox.Shield;

/// <summary>Start of the enclave's first program.</summary>
internal static class Loader
{
    /// <summary>
    /// Verifies the image, applies the manifest's rule to what the OS passed, loads the program and sets the thread's registers.
    /// Returns 0 or -errno, with the program's path in <paramref name="name"/> (cut to its length, then filled with zeros); stops the enclave
    /// when the image or the rule refuses.
    /// </summary>
    public static long StartFirstProgram(ref Thread thread, Span<byte> name)
    {
        if (!TryTakePassed(ref thread, out ArgumentStrings passed))
        {
            Panic.Stop(PanicReason.Protocol, "the OS passed no usable arguments"u8);
        }

        ProtectedImage.Start(ref thread);
        FileSystems.Enter(ref thread, ProtectedImage.Manifest.WorkingDirectory);
        DescriptorTables.Inherit(ref thread);
        SignalEntry.InheritFirst(ref thread);
        ProcessCalls.InheritFirst(ref thread);
        StartPolicy.Apply(ref thread, ref passed, ProtectedImage.Manifest, out ArgumentStrings strings);
        passed.Free();
        name.Clear();
        strings.Path[..Math.Min(strings.Path.Length, name.Length)].CopyTo(name);
        long result = Programs.Prepare(ref thread, ref strings, out PreparedProgram program);
        strings.Free();
        if (result < 0)
        {
            return result;
        }

        Pool<Process>.Get(thread.Process).Memory = program.Space;
        AddressSpaces.Activate(program.Space);
        ref UserRegisters registers = ref thread.Registers;
        registers = default;
        registers.Pc = program.Entry;
        registers.Sp = program.Stack;
        return 0;
    }

    /// <summary>Copies the strings of the OS's execve out of the shared buffer, once.</summary>
    private static bool TryTakePassed(ref Thread thread, out ArgumentStrings passed)
    {
        int bytes = (int)Math.Min(SharedBuffer.ReadHeader(ref thread, BufferLayout.ExecStringBytes), (ulong)thread.DataBytes);
        ulong arguments = SharedBuffer.ReadHeader(ref thread, BufferLayout.ExecArgumentCount);
        ulong environment = SharedBuffer.ReadHeader(ref thread, BufferLayout.ExecEnvironmentCount);
        passed = default;
        if (bytes == 0 || arguments > (ulong)bytes || environment > (ulong)bytes
            || !PrivateBlock.TryAllocate(ref thread, bytes, out PrivateBlock copy)
            || !ArgumentStrings.TryCreate(ref thread, bytes + 1, out passed))
        {
            return false;
        }

        SharedBuffer.CopyFromStart(ref thread, copy.Bytes);
        ReadOnlySpan<byte> rest = copy.Bytes;
        bool good = rest[^1] == 0 && passed.TryAppendPath(ArgumentStrings.Next(ref rest));
        for (ulong i = 0; i < arguments && good; i++)
        {
            good = rest.Length > 0 && passed.TryAppendArgument(ArgumentStrings.Next(ref rest));
        }

        for (ulong i = 0; i < environment && good; i++)
        {
            good = rest.Length > 0 && passed.TryAppendEnvironment(ArgumentStrings.Next(ref rest));
        }

        copy.Free();
        return good;
    }
}
