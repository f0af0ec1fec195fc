namespace BlackBox.Shield;

/// <summary>
/// AT_HWCAP (include/uapi/asm/hwcap.h): what the CPU offers and the enclave may use. No SVE, no pointer authentication and no
/// reading of ID registers from EL0 (HWCAP_CPUID) are announced.
/// </summary>
internal static class Hwcap
{
    private const ulong FloatingPoint = 1 << 0;
    private const ulong AdvancedSimd = 1 << 1;
    private const ulong Aes = 1 << 3;
    private const ulong Pmull = 1 << 4;
    private const ulong Sha1 = 1 << 5;
    private const ulong Sha2 = 1 << 6;
    private const ulong Crc32 = 1 << 7;
    private const ulong Atomics = 1 << 8;
    private const ulong RoundingDouble = 1 << 12;
    private const ulong DotProduct = 1 << 20;

    /// <summary>From ID_AA64ISAR0_EL1 (Arm ARM D17.2.61): 4-bit fields.</summary>
    public static ulong Value
    {
        get
        {
            ulong features = Hardware.InstructionFeatures;
            ulong value = FloatingPoint | AdvancedSimd;
            value |= Field(features, 4) >= 1 ? Aes : 0;
            value |= Field(features, 4) >= 2 ? Pmull : 0;
            value |= Field(features, 8) >= 1 ? Sha1 : 0;
            value |= Field(features, 12) >= 1 ? Sha2 : 0;
            value |= Field(features, 16) >= 1 ? Crc32 : 0;
            value |= Field(features, 20) >= 2 ? Atomics : 0;
            value |= Field(features, 28) >= 1 ? RoundingDouble : 0;
            value |= Field(features, 44) >= 1 ? DotProduct : 0;
            return value;
        }
    }

    private static ulong Field(ulong register, int at) => (register >> at) & 15;
}
