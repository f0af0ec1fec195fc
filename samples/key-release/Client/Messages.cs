namespace BlackBox.Samples.KeyRelease;

/// <summary>Answer to <c>POST /challenge</c>. Bytes are base64 in JSON, here and below.</summary>
/// <param name="Nonce">32 random bytes: the first half of user_report_data.</param>
/// <param name="Seconds">How long it is good; it is good once.</param>
public sealed record Challenge(byte[] Nonce, int Seconds);

/// <summary>Body of <c>POST /release</c>.</summary>
/// <param name="Evidence">As read from /dev/attestation/quote.</param>
/// <param name="PublicKey">DER SubjectPublicKeyInfo of an ECDH key on P-256 or P-384; its SHA-256 is the second half of user_report_data.</param>
/// <param name="Endorsement">JSON of a TPM's endorsement of the platform's key, where the service knows no platform by its key.</param>
public sealed record ReleaseRequest(byte[] Evidence, byte[] PublicKey, string? Endorsement = null);

/// <summary>Answer to <c>POST /release</c>: the secret, for the holder of that key alone (<see cref="SealedBox"/>).</summary>
/// <param name="EphemeralKey">DER SubjectPublicKeyInfo, on the same curve.</param>
/// <param name="Ciphertext">As long as the secret, then 16 bytes of tag.</param>
public sealed record ReleasedSecret(byte[] EphemeralKey, byte[] Ciphertext);
