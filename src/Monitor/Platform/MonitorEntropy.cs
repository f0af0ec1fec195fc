using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Threading;
using BlackBox.Cryptography;

namespace BlackBox.Monitor;

/// <summary>The monitor's random numbers: one generator, seeded at boot from the firmware's seeds and RNDR.</summary>
internal static class MonitorEntropy
{
    private const int RandomWords = 4;
    private const int Attempts = 1000;

    private static RandomGenerator _generator;
    private static int _lock;

    /// <summary>Without a seed no enclave starts.</summary>
    public static bool IsSeeded => _generator.IsSeeded;

    /// <summary>Boot, on the first CPU alone.</summary>
    /// <param name="seed">what the firmware gave to be used as a seed</param>
    /// <param name="more">what may be too short for one</param>
    /// <param name="allowDeterministic">benchmark flag: go on without any entropy, and report it</param>
    public static void Seed(ReadOnlySpan<byte> seed, ReadOnlySpan<byte> more, bool allowDeterministic)
    {
        Span<byte> noise = stackalloc byte[RandomWords * sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(noise, El2Registers.ReadCounter());
        _generator.Mix(noise);
        _generator.Mix(more);
        _generator.Reseed(seed);
        if (CpuFeatures.HasRandom && TryReadRandom(noise))
        {
            _generator.Reseed(noise);
        }

        if (!_generator.IsSeeded && allowDeterministic)
        {
            noise.Clear();
            _generator.Wipe();
            _generator.Reseed(noise);
            MonitorFeatures.Add(MonitorFeatures.Deterministic);
        }

        noise.Clear();
    }

    /// <summary>Fills with random bytes; zeros while unseeded.</summary>
    public static void Fill(Span<byte> bytes)
    {
        while (Interlocked.CompareExchange(ref _lock, 1, 0) != 0)
        {
            El2.SpinHint();
        }

        _generator.Fill(bytes);
        Volatile.Write(ref _lock, 0);
    }

    /// <summary>64 random bits; 0 while unseeded.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static ulong NextWord()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    // RNDR may be out of numbers for a while (Arm ARM, RNDR).
    private static bool TryReadRandom(Span<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i += sizeof(ulong))
        {
            ulong word = 0;
            for (int attempt = 0; attempt < Attempts && word == 0; attempt++)
            {
                word = El2.Random();
            }

            if (word == 0)
            {
                return false;
            }

            BinaryPrimitives.WriteUInt64LittleEndian(bytes.Slice(i), word);
        }

        return true;
    }
}
