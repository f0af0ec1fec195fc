using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;

namespace BlackBox.Samples.KeyRelease;

/// <summary>The service refused: what this container is does not please it, or the nonce was too old.</summary>
public sealed class ReleaseRefusedException(string message) : Exception(message);

/// <summary>The container's side of the exchange.</summary>
/// <param name="http">With the service's address; over TLS whose certificate is checked, or anybody can hand out "secrets".</param>
/// <param name="source">Makes evidence.</param>
public sealed class ReleaseClient(HttpClient http, IEvidenceSource source)
{
    /// <summary>Proves what this container is, and gets the secret.</summary>
    /// <param name="endorsement">A TPM's word for the platform's key, if the service wants one.</param>
    /// <exception cref="ReleaseRefusedException">The service refused.</exception>
    /// <exception cref="CryptographicException">The answer is not for this container's key.</exception>
    public async Task<byte[]> GetSecretAsync(string? endorsement = null, CancellationToken cancellation = default)
    {
        // Made here and for this request only: the private half never leaves the container's memory, not even for a file.
        using var key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP384);
        var publicKey = key.ExportSubjectPublicKeyInfo();

        using var asked = await http.PostAsync(new Uri("challenge", UriKind.Relative), content: null, cancellation).ConfigureAwait(false);
        asked.EnsureSuccessStatusCode();
        var challenge = await asked.Content.ReadFromJsonAsync<Challenge>(cancellation).ConfigureAwait(false)
            ?? throw new ReleaseRefusedException("the service gave no challenge");
        byte[] data = [.. challenge.Nonce, .. SHA256.HashData(publicKey)];
        var evidence = source.Quote(data);

        using var answer = await http.PostAsJsonAsync(new Uri("release", UriKind.Relative), new ReleaseRequest(evidence, publicKey, endorsement), cancellation).ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.Forbidden)
        {
            throw new ReleaseRefusedException("the service refused; its log says why");
        }

        answer.EnsureSuccessStatusCode();
        var released = await answer.Content.ReadFromJsonAsync<ReleasedSecret>(cancellation).ConfigureAwait(false)
            ?? throw new ReleaseRefusedException("the service gave no secret");
        return SealedBox.Open(key, released, evidence);
    }
}
