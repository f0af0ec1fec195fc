using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>
/// The frame that a handler finds on the program's stack, and its undoing (arch/arm64/kernel/signal.c: struct rt_sigframe,
/// struct sigcontext with an FP/SIMD record and, after a fault, an ESR record). It is built and read in the PPAS only.
/// </summary>
internal static class SignalFrame
{
    private const int ContextAt = SignalInformation.Bytes;
    private const int StackAt = ContextAt + 16;
    private const int MaskAt = ContextAt + 40;
    private const int MachineAt = ContextAt + 176;
    private const int RegistersAt = MachineAt + 8;
    private const int StackPointerAt = MachineAt + 256;
    private const int ProgramCounterAt = MachineAt + 264;
    private const int StateAt = MachineAt + 272;
    private const int RecordsAt = MachineAt + 288;
    private const int RecordsBytes = 4096;
    private const int FrameBytes = RecordsAt + RecordsBytes;

    private const uint VectorMagic = 0x4650_8001;
    private const uint VectorBytes = 528;
    private const uint SyndromeMagic = 0x4553_5201;
    private const uint SyndromeBytes = 16;
    private const int LinkRecordBytes = 16;

    /// <summary>PSTATE of EL0: mode 0, nothing masked (Linux: valid_user_regs).</summary>
    private const ulong ModeBits = 0x1F;
    private const ulong MaskBits = 0x3C0;

    /// <summary>What of the frame is written: all but the unused rest of the records.</summary>
    private const int WrittenBytes = RecordsAt + (int)VectorBytes + (int)SyndromeBytes + 16;

    /// <summary>Builds the frame and points the registers at the handler. False: the stack cannot be written.</summary>
    public static bool TryPush(ref Thread thread, int signal, in SignalInformation information, in SignalAction action)
    {
        ref UserRegisters registers = ref thread.Registers;
        ref SignalState state = ref thread.Signals;
        ulong top = registers.Sp;
        if ((action.Flags & SignalAction.OnStack) != 0 && state.StackBytes != 0 && !IsOnStack(ref state, top))
        {
            top = state.StackAddress + state.StackBytes;
        }

        ulong link = (top - LinkRecordBytes) & ~15UL;
        ulong frame = link - FrameBytes;
        if (link > top || frame > link || top > UserLayout.Top)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[WrittenBytes];
        bytes.Clear();
        SignalInformation copy = information;
        MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref copy, 1)).CopyTo(bytes);
        WriteStack(ref state, bytes[StackAt..], state.StackFlags);
        Put(bytes, MaskAt, state.HasSavedMask ? state.SavedMask : state.Mask);
        bool isFault = SignalNumber.IsSynchronous(signal);
        Put(bytes, MachineAt, isFault ? state.FaultAddress : 0);
        MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref registers.X, 1)).CopyTo(bytes[RegistersAt..]);
        Put(bytes, StackPointerAt, registers.Sp);
        Put(bytes, ProgramCounterAt, registers.Pc);
        Put(bytes, StateAt, registers.Pstate & UserRegisters.UserStateMask);
        int next = WriteVectors(ref thread, bytes, RecordsAt);
        if (isFault)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[next..], SyndromeMagic);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[(next + 4)..], SyndromeBytes);
            Put(bytes, next + 8, state.FaultSyndrome);
        }

        Span<byte> linkRecord = stackalloc byte[LinkRecordBytes];
        Put(linkRecord, 0, registers.X[29]);
        Put(linkRecord, 8, registers.X[30]);
        if (!UserMemory.TryWrite(ref thread, link, linkRecord) || !UserMemory.TryWrite(ref thread, frame, bytes))
        {
            return false;
        }

        if ((state.StackFlags & SignalCalls.AutoDisarm) != 0)
        {
            state.ResetStack();
        }

        registers.X[0] = (ulong)signal;
        if ((action.Flags & SignalAction.Information) != 0)
        {
            registers.X[1] = frame;
            registers.X[2] = frame + ContextAt;
        }

        registers.X[29] = link;
        registers.X[30] = (action.Flags & SignalAction.RestorerGiven) != 0 ? action.Restorer : Trampoline.Address;
        registers.Sp = frame;
        registers.Pc = action.Handler;
        registers.Pstate = 0;
        return true;
    }

    /// <summary>rt_sigreturn: puts back what the frame at SP says. False: no valid frame there; nothing but the mask has changed.</summary>
    public static bool TryPop(ref Thread thread)
    {
        ref UserRegisters registers = ref thread.Registers;
        ulong frame = registers.Sp;
        Span<byte> bytes = stackalloc byte[RecordsAt];
        if ((frame & 15) != 0 || !UserMemory.TryRead(ref thread, frame, bytes))
        {
            return false;
        }

        ref SignalState state = ref thread.Signals;
        state.Mask = Get(bytes, MaskAt) & ~SignalNumber.Unblockable;
        ulong pstate = Get(bytes, StateAt);
        Span<byte> vectors = stackalloc byte[(int)VectorBytes];
        if ((pstate & (ModeBits | MaskBits)) != 0 || !TryReadRecords(ref thread, frame, vectors))
        {
            return false;
        }

        bytes.Slice(RegistersAt, GeneralRegisters.Count * sizeof(ulong))
            .CopyTo(MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref registers.X, 1)));
        registers.Sp = Get(bytes, StackPointerAt);
        registers.Pc = Get(bytes, ProgramCounterAt);
        registers.Pstate = pstate & UserRegisters.UserStateMask;
        ReadVectors(ref thread, vectors);
        SignalCalls.RestoreStack(ref thread, bytes[StackAt..]);
        return true;
    }

    /// <summary>
    /// Walks the records of a frame (Linux: parse_user_sigframe): exactly one of FP/SIMD registers, any number of syndromes; an
    /// unknown one, or one that does not fit, makes the frame invalid.
    /// </summary>
    private static bool TryReadRecords(ref Thread thread, ulong frame, Span<byte> vectors)
    {
        const int HeadBytes = 8;
        bool found = false;
        int at = 0;
        while (at + HeadBytes <= RecordsBytes)
        {
            ulong place = frame + RecordsAt + (ulong)at;
            if (!UserMemory.TryRead(ref thread, place, out ulong head))
            {
                return false;
            }

            uint magic = (uint)head;
            uint size = (uint)(head >> 32);
            if (magic == 0)
            {
                return size == 0 && found;
            }

            if (size < HeadBytes || (size & 15) != 0 || size > RecordsBytes - at)
            {
                return false;
            }

            if (magic == VectorMagic)
            {
                if (found || size != VectorBytes || !UserMemory.TryRead(ref thread, place, vectors))
                {
                    return false;
                }

                found = true;
            }
            else if (magic != SyndromeMagic)
            {
                return false;
            }

            at += (int)size;
        }

        return false;
    }

    /// <summary>Whether the program runs on its alternate stack.</summary>
    public static bool IsOnStack(ref SignalState state, ulong stackPointer) =>
        state.StackBytes != 0 && (state.StackFlags & SignalCalls.AutoDisarm) == 0
        && stackPointer > state.StackAddress && stackPointer - state.StackAddress <= state.StackBytes;

    /// <summary>Flags of the alternate stack as sigaltstack tells them: SS_DISABLE, SS_ONSTACK, SS_AUTODISARM.</summary>
    public static ulong StackState(ref SignalState state, ulong stackPointer)
    {
        ulong flags = state.StackFlags & SignalCalls.AutoDisarm;
        return state.StackBytes == 0 ? flags | SignalState.StackDisabled : IsOnStack(ref state, stackPointer) ? flags | 1 : flags;
    }

    /// <summary>stack_t: address, flags, bytes.</summary>
    public static void WriteStack(ref SignalState state, Span<byte> to, ulong flags)
    {
        Put(to, 0, state.StackAddress);
        Put(to, 8, flags);
        Put(to, 16, state.StackBytes);
    }

    /// <summary>The record: magic, size, FPSR, FPCR, q0 to q31. Returns where the next one goes.</summary>
    private static int WriteVectors(ref Thread thread, Span<byte> bytes, int at)
    {
        Span<byte> vectors = stackalloc byte[Hardware.VectorBytes];
        Hardware.SaveVectors(ref thread, vectors);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[at..], VectorMagic);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[(at + 4)..], VectorBytes);
        vectors.Slice(512, 4).CopyTo(bytes[(at + 8)..]);
        vectors.Slice(520, 4).CopyTo(bytes[(at + 12)..]);
        vectors[..512].CopyTo(bytes[(at + 16)..]);
        return at + (int)VectorBytes;
    }

    private static void ReadVectors(ref Thread thread, ReadOnlySpan<byte> record)
    {
        Span<byte> vectors = stackalloc byte[Hardware.VectorBytes];
        vectors.Clear();
        record.Slice(16, 512).CopyTo(vectors);
        record.Slice(8, 4).CopyTo(vectors[512..]);
        record.Slice(12, 4).CopyTo(vectors[520..]);
        Hardware.LoadVectors(ref thread, vectors);
    }

    private static void Put(Span<byte> bytes, int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(bytes[at..], value);

    private static ulong Get(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
}
