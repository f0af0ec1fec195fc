namespace BlackBox.Monitor;

/// <summary>A stage-2 fault as ESR_EL2, FAR_EL2, HPFAR_EL2 describe it.</summary>
internal readonly struct StageTwoFault
{
    private const ulong WriteBit = 1UL << 6;
    private const ulong WalkBit = 1UL << 7;
    private const ulong MaintenanceBit = 1UL << 8;
    private const ulong PermissionClass = 0x0c;

    private readonly ulong _syndrome;

    private StageTwoFault(ulong syndrome, ulong address, IntermediateAddress target, bool isKnown)
    {
        _syndrome = syndrome;
        Address = address;
        Target = target;
        IsKnown = isKnown;
    }

    /// <summary>Virtual address of the access.</summary>
    public ulong Address { get; }

    /// <summary>Where stage 1 led to (the page).</summary>
    public IntermediateAddress Target { get; }

    /// <summary>False if stage 1 no longer translates the address: the access is to be repeated.</summary>
    public bool IsKnown { get; }

    public bool IsInstruction => _syndrome >> 26 == Injection.ClassInstructionAbort;

    /// <summary>Was it the walk of a stage-1 table that faulted?</summary>
    public bool IsWalk => (_syndrome & WalkBit) != 0;

    public bool IsWrite => !IsInstruction && (_syndrome & WriteBit) != 0;

    /// <summary>The access is more than stage 2 speaks of: an address size fault, or an abort that is no stage-2 fault.</summary>
    public bool IsOther => (_syndrome & 0x3f) is < 4 or > 15;

    /// <summary>What of the syndrome the lower level may see: cache maintenance and write bits.</summary>
    public ulong Passed => IsInstruction ? 0 : _syndrome & (WriteBit | MaintenanceBit);

    /// <summary>HPFAR_EL2 is valid but for permission faults outside a walk (Arm ARM, HPFAR_EL2): there, translate again.</summary>
    public static StageTwoFault Read(ulong syndrome, ref RegisterFile frame)
    {
        ulong address = El2Registers.ReadFarEl2();
        bool isWalk = (syndrome & WalkBit) != 0;
        if ((syndrome & 0x3c) != PermissionClass || isWalk)
        {
            ulong page = (El2Registers.ReadHpfarEl2() & 0x0000_0fff_ffff_fff0) << 8;
            return new StageTwoFault(syndrome, address, new IntermediateAddress(page), true);
        }

        ulong par = Injection.IsUser(frame.Pstate) ? El2.TranslateReadEl0(address) : El2.TranslateReadEl1(address);
        return new StageTwoFault(syndrome, address, new IntermediateAddress(par & 0x0000_ffff_ffff_f000), (par & 1) == 0);
    }
}
