namespace BlackBox.Cryptography;

/// <summary>
/// The cryptographic instructions of a processor, as ID_AA64ISAR0_EL1 announces them (Arm ARM, ID_AA64ISAR0_EL1).
/// All processors of a machine are taken to have the same.
/// </summary>
public readonly struct InstructionSet
{
    private readonly ulong _register;

    /// <summary>Interprets a value of ID_AA64ISAR0_EL1.</summary>
    public InstructionSet(ulong idAa64Isar0) => _register = idAa64Isar0;

    /// <summary>AESE and AESMC: bits 7 to 4 are at least 1.</summary>
    public bool Aes => Field(4) >= 1;

    /// <summary>PMULL on 64-bit operands: bits 7 to 4 are at least 2.</summary>
    public bool Pmull => Field(4) >= 2;

    /// <summary>SHA256H and its kin: bits 15 to 12 are at least 1.</summary>
    public bool Sha256 => Field(12) >= 1;

#if FREESTANDING
    /// <summary>
    /// Lets this library use these instructions on every processor from now on. Until then only portable code runs.
    /// </summary>
    public void Use() => Backend.Select(this);
#endif

    private uint Field(int shift) => (uint)(_register >> shift) & 0xf;
}
