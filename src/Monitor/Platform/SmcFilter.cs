using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>SMCs of the OS (and HVCs that are none of ours): an allow-list. PSCI is mediated, discovery answered, the firmware's
/// mitigations and its random numbers passed through, everything else is NOT_SUPPORTED (SMCCC 1.4; TRNG: Arm DEN0098).</summary>
internal static class SmcFilter
{
    /// <summary>SMCCC NOT_SUPPORTED, sign-extended.</summary>
    public const ulong NotSupported = ulong.MaxValue;

    private const uint SmcccVersion = 0x8000_0000;
    private const uint ArchFeatures = 0x8000_0001;
    private const uint Workaround1 = 0x8000_8000;
    private const uint Workaround2 = 0x8000_7fff;
    private const uint Workaround3 = 0x8000_3fff;
    private const uint TrngFirst = 0x8400_0050;
    private const uint TrngLast = 0x8400_0053;
    private const uint TrngRandom64 = 0xc400_0053;
    private const uint CallUid = 0x8600_ff01;
    private const ulong Version11 = 0x1_0001;

    private static bool _firmwareSpeaksSmccc;

    /// <summary>Boot: does the firmware know SMCCC 1.1 or later (PSCI_FEATURES says so)?</summary>
    public static void Probe() => _firmwareSpeaksSmccc = Firmware.Call(Psci.Features, SmcccVersion) == 0;

    /// <summary>Answers in x0-x3 of the frame; x4 and up stay as they are (SMCCC 1.1).</summary>
    public static void Handle(ref RegisterFile os, bool isSmc)
    {
        uint function = (uint)os.General[0];
        if (isSmc && Psci.TryHandle(ref os, function))
        {
            return;
        }

        switch (function)
        {
            case SmcccVersion:
                Answer(ref os, Version11);
                break;
            case ArchFeatures:
                uint asked = (uint)os.General[1];
                bool isKnown = asked is SmcccVersion or ArchFeatures;
                Answer(ref os, isKnown ? 0 : IsWorkaround(asked) && _firmwareSpeaksSmccc ? Firmware.Call(ArchFeatures, asked) : NotSupported);
                break;
            case CallUid:
                // "BlackBox monitor", four bytes a register
                os.General[0] = 0x6361_6c42;
                os.General[1] = 0x786f_426b;
                os.General[2] = 0x6e6f_6d20;
                os.General[3] = 0x726f_7469;
                break;
            default:
                bool isPassed = IsWorkaround(function) || function is (>= TrngFirst and <= TrngLast) or TrngRandom64;
                if (isSmc && isPassed && _firmwareSpeaksSmccc)
                {
                    Pass(ref os);
                }
                else
                {
                    Audit.Refuse(AbiConstants.AuditRuleSmc, Audit.NoEnclave, function, os.General[1]);
                    Answer(ref os, NotSupported);
                }

                break;
        }
    }

    /// <summary>Sets x0.</summary>
    public static void Answer(ref RegisterFile os, ulong value) => os.General[0] = value;

    private static bool IsWorkaround(uint function) => function is Workaround1 or Workaround2 or Workaround3;

    private static void Pass(ref RegisterFile os)
    {
        SmcRegisters registers = default;
        registers.X0 = os.General[0];
        registers.X1 = os.General[1];
        Hardware.Smc(ref registers);
        os.General[0] = registers.X0;
        os.General[1] = registers.X1;
        os.General[2] = registers.X2;
        os.General[3] = registers.X3;
    }
}
