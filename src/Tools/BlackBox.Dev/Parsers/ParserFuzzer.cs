using System.Buffers.Binary;
using System.Diagnostics;

namespace BlackBox.Dev.Parsers;

/// <summary>What a run found.</summary>
/// <param name="Ways">different ways through the parser that were seen</param>
/// <param name="Failure">input that breaks something, or null</param>
internal sealed record ParserResult(long Inputs, int Ways, TimeSpan Time, string? Violation, byte[]? Failure);

/// <summary>Changes valid inputs, keeps those that take a new way, and changes them further.</summary>
internal sealed class ParserFuzzer(ParserTarget target, ulong seed)
{
    private const int MaximumLength = 1 << 16;

    private static readonly ulong[] OddNumbers = [0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 23, 24, 63, 64, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
        0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, ulong.MaxValue, ulong.MaxValue - 4095];

    private readonly Random _random = new((int)(seed ^ (seed >> 32)));

    public ParserResult Run(long inputs, TimeSpan limit)
    {
        var watch = Stopwatch.StartNew();
        var corpus = new List<byte[]>(target.Samples);
        var ways = new HashSet<int>();
        foreach (byte[] sample in target.Samples)
        {
            ways.Add(target.Parse([.. sample]));
        }

        long done = 0;
        for (; done < inputs && (done % 1024 != 0 || watch.Elapsed < limit); done++)
        {
            byte[] input = Change(corpus[_random.Next(4) == 0 ? _random.Next(target.Samples.Count) : _random.Next(corpus.Count)], corpus);
            byte[] copy = [.. input];
            try
            {
                if (ways.Add(target.Parse(copy)) && corpus.Count < 2000)
                {
                    corpus.Add(input);
                }
            }
#pragma warning disable CA1031 // a parser throws nothing, whatever it is given
            catch (Exception exception)
#pragma warning restore CA1031
            {
                return new ParserResult(done + 1, ways.Count, watch.Elapsed, $"{exception.GetType().Name}: {exception.Message}", input);
            }
        }

        return new ParserResult(done, ways.Count, watch.Elapsed, null, null);
    }

    private byte[] Change(byte[] original, List<byte[]> corpus)
    {
        byte[] input = [.. original];
        for (int count = 1 + _random.Next(_random.Next(4) == 0 ? 8 : 3); count > 0 && input.Length > 0; count--)
        {
            int at = _random.Next(_random.Next(2) == 0 ? Math.Min(input.Length, 512) : input.Length);
            switch (_random.Next(9))
            {
                case 0:
                    input[at] = (byte)_random.Next(256);
                    break;
                case 1:
                    input[at] ^= (byte)(1 << _random.Next(8));
                    break;
                case 2:
                    input[at] += (byte)(_random.Next(2) == 0 ? 1 : 255);
                    break;
                case 3 or 4:
                    WriteNumber(input, at);
                    break;
                case 5:
                    int from = _random.Next(input.Length);
                    int length = Math.Min(1 + _random.Next(64), input.Length - Math.Max(at, from));
                    input.AsSpan(from, length).ToArray().CopyTo(input, at);
                    break;
                case 6:
                    input = input[.._random.Next(input.Length)];
                    break;
                case 7 when input.Length < MaximumLength:
                    byte[] other = corpus[_random.Next(corpus.Count)];
                    int start = _random.Next(other.Length);
                    input = [.. input.AsSpan(0, at), .. other.AsSpan(start, Math.Min(1 + _random.Next(64), other.Length - start)), .. input.AsSpan(at)];
                    break;
                default:
                    int gone = Math.Min(1 + _random.Next(16), input.Length - at);
                    input = [.. input.AsSpan(0, at), .. input.AsSpan(at + gone)];
                    break;
            }
        }

        return input;
    }

    private void WriteNumber(byte[] input, int at)
    {
        ulong number = _random.Next(4) == 0 ? (ulong)input.Length + (ulong)_random.Next(-8, 9) : OddNumbers[_random.Next(OddNumbers.Length)];
        int bytes = 1 << _random.Next(4);
        at &= ~(_random.Next(3) == 0 ? 0 : bytes - 1);
        Span<byte> word = stackalloc byte[8];
        if (_random.Next(2) == 0)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(word, number);
        }
        else
        {
            BinaryPrimitives.WriteUInt64BigEndian(word, number << (64 - (8 * bytes)));
        }

        word[..Math.Min(bytes, input.Length - at)].CopyTo(input.AsSpan(at));
    }
}
