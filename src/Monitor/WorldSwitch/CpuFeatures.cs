namespace BlackBox.Monitor;

/// <summary>What this machine's CPUs have (ID registers of the first CPU; a CPU that differs is not started).</summary>
internal static class CpuFeatures
{
    private const uint KeysFlag = 1;

    /// <summary>For Assembly/Switch.S: bit 0 pointer authentication.</summary>
    public static uint Flags { get; private set; }

    /// <summary>FEAT_PAuth.</summary>
    public static bool HasKeys => (Flags & KeysFlag) != 0;

    /// <summary>FEAT_SVE.</summary>
    public static bool HasScalableVectors { get; private set; }

    /// <summary>FEAT_SME.</summary>
    public static bool HasMatrix { get; private set; }

    /// <summary>FEAT_SME_FA64.</summary>
    public static bool HasFullMatrixSet { get; private set; }

    /// <summary>FEAT_MTE2.</summary>
    public static bool HasTags { get; private set; }

    /// <summary>FEAT_RNG.</summary>
    public static bool HasRandom { get; private set; }

    /// <summary>FEAT_FGT.</summary>
    public static bool HasFineTraps { get; private set; }

    /// <summary>FEAT_HCX.</summary>
    public static bool HasExtendedHcr { get; private set; }

    /// <summary>FEAT_ECV: EL1 accesses to the virtual timer can be trapped.</summary>
    public static bool HasCounterTraps { get; private set; }

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
        Flags = hasKeys ? KeysFlag : 0;
        HasScalableVectors = Field(pfr0, 32) != 0;
        HasMatrix = Field(pfr1, 24) != 0;
        HasFullMatrixSet = HasMatrix && El2Registers.ReadSmfr0() >> 63 != 0;
        HasTags = Field(pfr1, 8) >= 2;
        HasRandom = Field(El2Registers.ReadIsar0(), 60) != 0;
        HasFineTraps = Field(mmfr0, 56) != 0;
        HasCounterTraps = Field(mmfr0, 60) != 0;
        HasExtendedHcr = Field(El2Registers.ReadMmfr1(), 40) != 0;
    }

    private static ulong Field(ulong register, int shift) => (register >> shift) & 0xf;
}
