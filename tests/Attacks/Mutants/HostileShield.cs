using System;
using System.Runtime;
using System.Runtime.CompilerServices;
using BlackBox.Abi;

namespace BlackBox.Shield;

/// <summary>
/// What a shield could do that its container has taken over. The path with which the OS starts the program says what:
/// /bin/evil-LETTER-HEXADECIMAL. Every other program is served as ever, so that neighbours are ordinary containers.
/// </summary>
internal static unsafe class HostileShield
{
    private const int Letter = 10;
    private const int Number = 12;

    private static ReadOnlySpan<byte> Prefix => "/bin/evil-"u8;

    public static void Act(ref Thread thread, ReadOnlySpan<byte> path)
    {
        if (path.Length <= Number || !path.StartsWith(Prefix))
        {
            return;
        }

        ulong number = ReadNumber(path[Number..]);
        switch (path[Letter])
        {
            case (byte)'r':
                Say("read"u8, Hardware.Words(number & ~4095UL)[0] == 0 ? 0UL : 1UL);
                break;
            case (byte)'w':
                Hardware.Words(number & ~4095UL)[1] = 0x4141414141414141;
                Say("wrote"u8, 0);
                break;
            case (byte)'x':
                Jump(Hardware.KernelAddress(number));
                break;
            case (byte)'o':
                // Its own memory: what the others are compared with.
                if (Frames.Reserve(ref thread, 1) && Frames.TryAllocate(out FrameAddress own))
                {
                    Hardware.Words(own.Value)[1] = 7;
                    Say("own"u8, Hardware.Words(own.Value)[1]);
                }

                break;
            case (byte)'t':
                Tables(number);
                break;
            case (byte)'m':
                Mask();
                break;
            case (byte)'f':
                FaultLoop();
                break;
            case (byte)'s':
                Say("registers"u8, Registers());
                break;
            case (byte)'l':
                Say("log"u8, Ask(12, number, 64, 0));
                break;
            case (byte)'a':
                Say("accept"u8, Ask(7, number, 1, 0));
                break;
            case (byte)'d':
                Say("release"u8, Ask(8, number, 1, 0));
                break;
            case (byte)'u':
                Say("unwrap"u8, Ask(10, number, 0, 0));
                break;
            case (byte)'y':
                Say("yield"u8, Ask(13, number, 0, 0));
                break;
            case (byte)'p':
                Hardware.OsFault(number, out _);
                Say("fault"u8, 0);
                break;
            case (byte)'h':
                Fuzz(number);
                break;
        }

        Panic.Stop(PanicReason.Start, "evil: done"u8);
    }

    // Calls that end or leave the container have attacks of their own: 1, 2 OsCall and OsFault, 6 TaskEnded, 11 Stop, 14 YieldBack.
    private static void Fuzz(ulong seed)
    {
        ulong refused = 0, answered = 0, random = seed | 1;
        ulong* arguments = stackalloc ulong[6];
        for (int round = 0; round < 20000; round++)
        {
            for (int i = 0; i < 6; i++)
            {
                random = (random * 6364136223846793005) + 1442695040888963407;
                ulong value = random >> 20;
                arguments[i] = (value & 7) switch
                {
                    0 => 0x4000_0000 + (value >> 3 & 0x1fff_f000),
                    1 => 0x0800_0000 + (value >> 3 & 0x0fff_f000),
                    2 => random,
                    3 => value & 0xffff,
                    4 => ulong.MaxValue - (value >> 3 & 0xfff),
                    5 => (value >> 3 & 0x3f) | (1UL << 16),
                    6 => (0x4000_0000 + (value >> 3 & 0x1fff_f000)) | (1UL << 38),
                    _ => 1,
                };
            }

            uint number = (uint)(random >> 33) & 63;
            if (number is 1 or 2 or 3 or 4 or 6 or 8 or 11 or 13 or 14)
            {
                continue;
            }

            if (number is 12)
            {
                arguments[1] = 201 + (arguments[1] & 0xffff);    // never a text: the console is needed
            }

            CallRaw(arguments, number);
            if ((long)arguments[0] < 0)
            {
                refused++;
            }
            else
            {
                answered++;
            }
        }

        Say("refused"u8, refused);
        Say("answered"u8, answered);
    }

    private static ulong Ask(uint number, ulong a0, ulong a1, ulong a2)
    {
        ulong* arguments = stackalloc ulong[6];
        arguments[0] = a0;
        arguments[1] = a1;
        arguments[2] = a2;
        arguments[3] = 0;
        arguments[4] = 0;
        arguments[5] = 0;
        CallRaw(arguments, number);
        return arguments[0];
    }

    private static void Say(ReadOnlySpan<byte> what, ulong value)
    {
        LineWriter line = default;
        line.Write("evil: "u8);
        line.Write(what);
        line.Write(" "u8);
        line.WriteDecimal((long)value);
        Hardware.Log(line.Text, ulong.MaxValue);
    }

    private static ulong ReadNumber(ReadOnlySpan<byte> text)
    {
        ulong number = 0;
        for (int i = 0; i < text.Length; i++)
        {
            int digit = text[i] is >= (byte)'0' and <= (byte)'9' ? text[i] - '0' : text[i] is >= (byte)'a' and <= (byte)'f' ? text[i] - 'a' + 10 : -1;
            if (digit < 0)
            {
                break;
            }

            number = (number << 4) | (uint)digit;
        }

        return number;
    }

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "hostile_call")]
    private static extern void CallRaw(ulong* arguments, ulong number);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "hostile_mask")]
    private static extern void Mask();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "hostile_fault_loop")]
    private static extern void FaultLoop();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "hostile_jump")]
    private static extern void Jump(ulong address);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "hostile_tables")]
    private static extern void Tables(ulong physical);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "hostile_registers")]
    private static extern ulong Registers();
}
