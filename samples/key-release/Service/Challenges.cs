using System.Security.Cryptography;

namespace BlackBox.Samples.KeyRelease;

/// <summary>Nonces that were given out and not used: each is good once, and for a short time. Their number is bounded, since anybody may ask.</summary>
internal sealed class Challenges(TimeProvider time, TimeSpan lifetime, int most)
{
    /// <summary>Bytes of a nonce.</summary>
    public const int Length = 32;

    private readonly Dictionary<string, DateTimeOffset> _open = [];
    private readonly Queue<(string Nonce, DateTimeOffset End)> _byAge = new();
    private readonly Lock _gate = new();

    /// <summary>A new one.</summary>
    /// <returns>Null: too many are open.</returns>
    public byte[]? Create()
    {
        var nonce = RandomNumberGenerator.GetBytes(Length);
        lock (_gate)
        {
            var now = time.GetUtcNow();
            while (_byAge.TryPeek(out var oldest) && (oldest.End <= now || !_open.ContainsKey(oldest.Nonce)))
            {
                _ = _byAge.Dequeue();
                _ = _open.Remove(oldest.Nonce);
            }

            if (_byAge.Count >= most)
            {
                return null;
            }

            var name = Convert.ToHexString(nonce);
            _open.Add(name, now + lifetime);
            _byAge.Enqueue((name, now + lifetime));
        }

        return nonce;
    }

    /// <summary>Uses one up, whatever comes of it.</summary>
    /// <returns>Why it is not good, or null.</returns>
    public string? Use(ReadOnlySpan<byte> nonce)
    {
        lock (_gate)
        {
            return !_open.Remove(Convert.ToHexString(nonce), out var end) ? "it answers no open challenge: used already, forgotten, or never given"
                : end <= time.GetUtcNow() ? "the challenge has expired"
                : null;
        }
    }
}
