namespace BlackBox.Monitor;

/// <summary>What this machine's CPUs have (ID registers of the first CPU; a CPU that differs is not started).</summary>
internal static class CpuFeatures
{
    private const uint KeysFlag = 1;

    private static uint _flags;
    private static bool _hasScalableVectors;
    private static bool _hasMatrix;
    private static bool _hasFullMatrixSet;
    private static bool _hasTags;
    private static bool _hasRandom;
    private static bool _hasFineTraps;
    private static bool _hasExtendedHcr;
    private static bool _hasCounterTraps;

    /// <summary>For Assembly/Switch.S: bit 0 pointer authentication.</summary>
    public static uint Flags => _flags;

    /// <summary>FEAT_PAuth.</summary>
    public static bool HasKeys => (_flags & KeysFlag) != 0;

    /// <summary>FEAT_SVE.</summary>
    public static bool HasScalableVectors => _hasScalableVectors;

    /// <summary>FEAT_SME.</summary>
    public static bool HasMatrix => _hasMatrix;

    /// <summary>FEAT_SME_FA64.</summary>
    public static bool HasFullMatrixSet => _hasFullMatrixSet;

    /// <summary>FEAT_MTE2.</summary>
    public static bool HasTags => _hasTags;

    /// <summary>FEAT_RNG.</summary>
    public static bool HasRandom => _hasRandom;

    /// <summary>FEAT_FGT.</summary>
    public static bool HasFineTraps => _hasFineTraps;

    /// <summary>FEAT_HCX.</summary>
    public static bool HasExtendedHcr => _hasExtendedHcr;

    /// <summary>FEAT_ECV: EL1 accesses to the virtual timer can be trapped.</summary>
    public static bool HasCounterTraps => _hasCounterTraps;

    /// <summary>Reads the ID registers.</summary>
    public static void Read()
    {
        ulong pfr0 = El2Registers.ReadPfr0();
        ulong pfr1 = El2Registers.ReadPfr1();
        ulong isar1 = El2Registers.ReadIsar1();
        ulong isar2 = El2Registers.ReadIsar2();
        ulong mmfr0 = El2Registers.ReadMmfr0();
        // APA, API, GPA, GPI in ISAR1; APA3, GPA3 in ISAR2
        bool hasKeys = (isar1 & 0xff00_0ff0) != 0 || (isar2 & 0xff00) != 0;
        _flags = hasKeys ? KeysFlag : 0;
        _hasScalableVectors = Field(pfr0, 32) != 0;
        _hasMatrix = Field(pfr1, 24) != 0;
        _hasFullMatrixSet = _hasMatrix && El2Registers.ReadSmfr0() >> 63 != 0;
        _hasTags = Field(pfr1, 8) >= 2;
        _hasRandom = Field(El2Registers.ReadIsar0(), 60) != 0;
        _hasFineTraps = Field(mmfr0, 56) != 0;
        _hasCounterTraps = Field(mmfr0, 60) != 0;
        _hasExtendedHcr = Field(El2Registers.ReadMmfr1(), 40) != 0;
    }

    private static ulong Field(ulong register, int shift) => (register >> shift) & 0xf;
}
