using System;
using System.Buffers.Binary;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>What the tests of the shield's memory have in common: calls as a program makes them, accesses as a CPU makes them.</summary>
public abstract class MemoryTest
{
    internal const ulong PageBytes = 4096;
    internal const ulong Base = 0x10_0000_0000;

    internal const ulong ReadOnly = 1;
    internal const ulong ReadWrite = 3;
    internal const ulong Private = 0x22;
    internal const ulong Shared = 0x21;
    internal const ulong Fixed = 0x10;

    private protected MemoryMachine Machine { get; set; } = MemoryMachine.Start();

    private protected delegate long Handler(ref Thread thread, ref CallArguments arguments);

    private protected long Call(Handler handler, params ReadOnlySpan<ulong> values)
    {
        CallArguments arguments = default;
        for (int i = 0; i < values.Length; i++)
            arguments[i] = values[i];
        return handler(ref Machine.Thread, ref arguments);
    }

    private protected ulong Map(ulong address, ulong pages, ulong protection = ReadWrite, ulong flags = Private | Fixed, ulong descriptor = ulong.MaxValue, ulong offset = 0)
    {
        long result = Call(MemoryCalls.Mmap, address, pages * PageBytes, protection, flags, descriptor, offset);
        Assert.True(result >= 0, $"mmap: {result}");
        return (ulong)result;
    }

    /// <summary>An access of EL0 with the fault handler behind it. 0 or the signal and code (signal * 1000 + code).</summary>
    private protected int Touch(ulong address, UserAccess access, out Span<byte> bytes)
    {
        for (int i = 0; i < 8; i++)
        {
            ref AddressSpace space = ref Pool<AddressSpace>.Get(Machine.Space);
            if (Translation.TryAccess(space.Root, AddressSpaces.Asid(Machine.Space), address, access, out FrameAddress frame))
            {
                bytes = Frames.Bytes(frame)[(int)(address & (PageBytes - 1))..];
                return 0;
            }
            FaultOutcome outcome = AddressSpaces.Fault(ref Machine.Thread, address, access);
            bytes = default;
            if (!outcome.IsResolved)
                return (outcome.Signal * 1000) + outcome.Code;
        }
        bytes = default;
        return -1;
    }

    private protected int Store(ulong address, ulong value)
    {
        int result = Touch(address, UserAccess.Write, out Span<byte> bytes);
        if (result == 0)
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return result;
    }

    private protected ulong Load(ulong address)
    {
        int result = Touch(address, UserAccess.Read, out Span<byte> bytes);
        Assert.Equal(0, result);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    private protected Handle<AddressSpace> Fork()
    {
        Assert.True(AddressSpaces.TryFork(ref Machine.Thread, out Handle<AddressSpace> child));
        return child;
    }

    private protected static byte[] Numbered(int pages)
    {
        byte[] content = new byte[pages * (int)PageBytes];
        for (int i = 0; i < content.Length; i += 8)
            BinaryPrimitives.WriteUInt64LittleEndian(content.AsSpan(i), 0xF11E_0000_0000 + (ulong)i);
        return content;
    }
}
