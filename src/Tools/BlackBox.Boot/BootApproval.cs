using System.Security.Cryptography;
using BlackBox.Hosting;

namespace BlackBox.Boot;

/// <summary>
/// The boot key's word that a state of a machine may have the platform's key, as src/Monitor/Uefi/PlatformSeal.cs asks the TPM to check it. The state is that of PCR 4 (the monitor),
/// 7 (Secure Boot's keys) and 12 (manifest, kernel, RAM disk, command line); so each new manifest and each new monitor needs an approval of its own, and no machine needs to be
/// there to make it.
/// </summary>
public static class BootApproval
{
    private const int DigestLength = 32;

    // TPM_CC_PolicyPCR, then TPML_PCR_SELECTION: SHA-256, PCR 4, 7, 12.
    private const string PolicyPcr = "0000017f" + "00000001000b03901000";

    /// <summary>The state as the loader prints it: the TPM's digest of a policy that these registers alone fulfil (TPM2_PolicyPCR).</summary>
    public static byte[] State(byte[] pcr4, byte[] pcr7, byte[] pcr12) =>
        SHA256.HashData([.. new byte[DigestLength], .. Convert.FromHexString(PolicyPcr), .. SHA256.HashData([.. pcr4, .. pcr7, .. pcr12])]);

    /// <summary>Approves a state.</summary>
    /// <returns>the content of the file "approval" in the monitor's folder</returns>
    /// <exception cref="BlackBoxException">It is none.</exception>
    public static byte[] Create(byte[] state, BootKeyPair key)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(key);
        return state.Length == DigestLength ? key.Sign([.. state, .. "blackbox/platform-seal/1"u8]) : throw new BlackBoxException($"a state has {DigestLength} bytes");
    }
}
