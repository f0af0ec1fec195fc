// Compiled into the tests of the tool and into those of the shield, whose project has no implicit usings.
#pragma warning disable IDE0005
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
#pragma warning restore IDE0005

namespace BlackBox.Images.Mutations;

/// <summary>One change of what an image's root file system holds.</summary>
/// <param name="Family">What kind of change.</param>
/// <param name="Name">What was changed, for messages.</param>
/// <param name="Files">The files with other contents than the image's, by path.</param>
public sealed record ImageMutation(string Family, string Name, IReadOnlyDictionary<string, byte[]> Files);

/// <summary>
/// Every way in which a list of changes can be thought of: a bit of each field of each structure (manifest, signature, wrapped keys, file
/// table, its pages' digests, tags, encrypted blocks), swaps between files and between images, other orders, files cut off and continued,
/// older versions. None of them leaves the bytes as they were.
/// </summary>
/// <param name="image">The image that is changed.</param>
/// <param name="older">Another version of it: same paths, same publisher, other contents.</param>
/// <param name="stranger">An image of another publisher with the same paths.</param>
public sealed class ImageMutations(ProtectedImage image, ProtectedImage older, ProtectedImage stranger)
{
    private const int Header = 128;
    private static readonly string[] Own = [ImageFormat.Manifest.Text, ImageFormat.Files.Text, ImageFormat.Tags.Text, ImageFormat.Key.Text];

    private readonly Dictionary<string, byte[]> _files = FilesOf(image);
    private readonly Dictionary<string, byte[]> _older = FilesOf(older);
    private readonly Dictionary<string, byte[]> _stranger = FilesOf(stranger);

    /// <summary>All of them.</summary>
    /// <exception cref="InvalidOperationException">A mutation changes nothing: the list is wrong.</exception>
    public IReadOnlyList<ImageMutation> All()
    {
        List<ImageMutation> all =
        [
            .. Messages(), .. Table(), .. TagBits(), .. Blocks(), .. Swaps(), .. Orders(), .. Lengths(), .. Replays(),
        ];
        foreach (ImageMutation mutation in all)
        {
            if (mutation.Files.Count == 0 || mutation.Files.All(file => file.Value.AsSpan().SequenceEqual(_files[file.Key])))
            {
                throw new InvalidOperationException($"{mutation.Family}, {mutation.Name}: it changes nothing");
            }
        }

        return all;
    }

    private static Dictionary<string, byte[]> FilesOf(ProtectedImage from) => from.Root.Entries
        .Where(entry => entry.Kind == RootEntryKind.RegularFile).ToDictionary(entry => entry.Path.Text, entry => entry.Content!.ReadAllBytes());

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Regular files with content, in the table's order, and their records.</summary>
    private IEnumerable<(string Path, FileRecord Record)> Content() => image.Paths.Zip(image.Records)
        .Where(pair => pair.Second.IsFile && pair.Second.Size > 0).Select(pair => (pair.First.Text, pair.Second));

    private ImageMutation Change(string family, string name, string path, Func<byte[], byte[]> change) =>
        new(family, name, new Dictionary<string, byte[]> { [path] = change([.. _files[path]]) });

    private ImageMutation Flip(string family, string name, string path, int offset, int bit) => Change(family, $"{name}, byte {Text(offset)}, bit {Text(bit)}", path, bytes =>
    {
        bytes[offset] ^= (byte)(1 << bit);
        return bytes;
    });

    /// <summary>A bit in the head of each data item, and in the first, the middle and the last byte of its content.</summary>
    private IEnumerable<ImageMutation> Messages()
    {
        foreach (string path in (string[])[ImageFormat.Key.Text, ImageFormat.Manifest.Text])
        {
            byte[] file = _files[path];
            List<(string Name, int Head, int Start, int Length)> items = [];
            for (int at = 0; at < file.Length;)
            {
                Walk(file, ref at, "", items);
            }

            foreach ((string name, int head, int start, int length) in items)
            {
                yield return Flip("message", $"{path}{name} head", path, head, 0);
                yield return Flip("message", $"{path}{name} head", path, head, 5);
                foreach (int at in length == 0 ? Enumerable.Empty<int>() : new[] { start, start + (length / 2), start + length - 1 }.Distinct())
                {
                    yield return Flip("message", $"{path}{name}", path, at, at % 8);
                }
            }
        }
    }

    /// <summary>Notes a CBOR data item of definite length and what is in it; byte strings that hold CBOR (payload, protected headers) are walked into.</summary>
    private static void Walk(ReadOnlySpan<byte> data, ref int at, string name, List<(string Name, int Head, int Start, int Length)> items)
    {
        int head = at;
        int kind = data[at] >> 5;
        int value = data[at++] & 31;
        if (value is 24 or 25 or 26)
        {
            int count = 1 << (value - 24);
            value = 0;
            for (int i = 0; i < count; i++)
            {
                value = (value << 8) | data[at++];
            }
        }

        int start = at;
        switch (kind)
        {
            case 2 or 3:
                at += value;
                items.Add((name, head, start, value));
                if (kind == 2 && value > 0 && data[start] >> 5 == 5)
                {
                    // A map by its first byte: if it is one to its end, its parts are of interest.
                    List<(string, int, int, int)> inner = [];
                    int within = start;
                    try
                    {
                        Walk(data[..at], ref within, name + "/content", inner);
                    }
                    catch (IndexOutOfRangeException)
                    {
                        within = -1;
                    }

                    if (within == at)
                    {
                        items.AddRange(inner);
                    }
                }

                return;
            case 4 or 5:
                items.Add((name, head, start, 0));
                for (int i = 0; i < (kind == 4 ? value : 2 * value); i++)
                {
                    Walk(data, ref at, $"{name}/{Text(i)}", items);
                }

                return;
            case 6:
                items.Add((name, head, start, 0));
                Walk(data, ref at, name, items);
                return;
            default:
                items.Add((name, head, head + 1, at - head - 1));
                return;
        }
    }

    private IEnumerable<ImageMutation> Table()
    {
        string path = ImageFormat.Files.Text;
        (string Name, int Offset, int Length)[] header =
        [
            ("magic", 0, 8), ("version", 8, 4), ("record size", 12, 4), ("count", 16, 8), ("strings offset", 24, 8), ("strings length", 32, 8), ("time", 40, 8), ("reserved", 48, 80),
        ];
        (string Name, int Offset, int Length)[] record =
        [
            ("path", 0, 32), ("salt", 32, 32), ("tags digest", 64, 32), ("size", 96, 8), ("offset", 104, 8), ("mode", 112, 2), ("flags", 114, 2), ("user", 116, 4), ("group", 120, 4), ("head", 124, 4),
        ];
        foreach ((string name, int offset, int length) in header)
        {
            yield return Flip("table header", name, path, offset, 0);
            yield return Flip("table header", name, path, offset + length - 1, 7);
        }

        for (int i = 0; i < image.Records.Count; i++)
        {
            foreach ((string name, int offset, int length) in record)
            {
                int at = Header + (i * FileRecord.Length) + offset;
                yield return Flip("table record", $"{image.Paths[i].Text} {name}", path, at, i % 8);
                yield return Flip("table record", $"{image.Paths[i].Text} {name}", path, at + length - 1, 7);
            }
        }

        int table = (int)image.Manifest.TableLength;
        for (int at = Header + (image.Records.Count * FileRecord.Length); at < table; at += 7)
        {
            yield return Flip("table strings", "names and targets", path, at, at % 8);
        }

        for (int at = table; at < _files[path].Length; at += ImageFormat.PageDigestLength)
        {
            yield return Flip("table page digest", "first byte", path, at, 0);
            yield return Flip("table page digest", "last byte", path, at + ImageFormat.PageDigestLength - 1, 7);
        }
    }

    private IEnumerable<ImageMutation> TagBits()
    {
        for (int at = 0; at < _files[ImageFormat.Tags.Text].Length; at += ImageFormat.TagLength)
        {
            yield return Flip("tag", "first byte", ImageFormat.Tags.Text, at, 0);
            yield return Flip("tag", "last byte", ImageFormat.Tags.Text, at + ImageFormat.TagLength - 1, 7);
        }
    }

    private IEnumerable<ImageMutation> Blocks()
    {
        foreach ((string path, _) in Content())
        {
            int length = _files[path].Length;
            for (int block = 0; block < length; block += ImageFormat.BlockLength)
            {
                int last = Math.Min(length, block + ImageFormat.BlockLength) - 1;
                foreach (int at in new[] { block, block + ((last - block) / 2), last }.Distinct())
                {
                    yield return Flip("block", path, path, at, at % 8);
                }
            }
        }
    }

    private IEnumerable<ImageMutation> Swaps()
    {
        List<(string Path, FileRecord Record)> files = [.. Content()];
        for (int i = 0; i < files.Count; i++)
        {
            for (int j = i + 1; j < files.Count; j++)
            {
                ((string one, FileRecord first), (string two, FileRecord second)) = (files[i], files[j]);
                yield return new ImageMutation("swap", $"{one} and {two}", new Dictionary<string, byte[]> { [one] = _files[two], [two] = _files[one] });
                yield return Change("swap", $"records of {one} and {two}, all but the paths", ImageFormat.Files.Text, bytes =>
                    Exchange(bytes, RecordAt(one) + 32, RecordAt(two) + 32, FileRecord.Length - 32));
                yield return Change("swap", $"first tags of {one} and {two}", ImageFormat.Tags.Text, bytes =>
                    Exchange(bytes, (int)first.TagsOffset, (int)second.TagsOffset, ImageFormat.TagLength));
                int common = Math.Min(Math.Min(_files[one].Length, _files[two].Length), ImageFormat.BlockLength);
                if (!_files[one].AsSpan(0, common).SequenceEqual(_files[two].AsSpan(0, common)))
                {
                    yield return Change("swap", $"first block of {one} from {two}", one, bytes => [.. _files[two][..common], .. bytes[common..]]);
                }
            }
        }

        foreach (string path in Own)
        {
            yield return new ImageMutation("other publisher", path, new Dictionary<string, byte[]> { [path] = _stranger[path] });
            yield return new ImageMutation("other publisher", "all but " + path, Own.Where(own => own != path).ToDictionary(own => own, own => _stranger[own]));
        }
    }

    private IEnumerable<ImageMutation> Orders()
    {
        foreach ((string path, FileRecord record) in Content())
        {
            int blocks = _files[path].Length / ImageFormat.BlockLength;
            for (int i = 1; i < blocks; i++)
            {
                int block = i * ImageFormat.BlockLength;
                if (!_files[path].AsSpan(block, ImageFormat.BlockLength).SequenceEqual(_files[path].AsSpan(block - ImageFormat.BlockLength, ImageFormat.BlockLength)))
                {
                    yield return Change("order", $"blocks {Text(i - 1)} and {Text(i)} of {path}", path, bytes => Exchange(bytes, block - ImageFormat.BlockLength, block, ImageFormat.BlockLength));
                    yield return Change("order", $"block {Text(i)} of {path} twice", path, bytes =>
                    {
                        bytes.AsSpan(block, ImageFormat.BlockLength).CopyTo(bytes.AsSpan(block - ImageFormat.BlockLength));
                        return bytes;
                    });
                }

                int tag = (int)record.TagsOffset + (i * ImageFormat.TagLength);
                yield return Change("order", $"tags {Text(i - 1)} and {Text(i)} of {path}", ImageFormat.Tags.Text, bytes => Exchange(bytes, tag - ImageFormat.TagLength, tag, ImageFormat.TagLength));
                yield return new ImageMutation("order", $"blocks and tags {Text(i - 1)} and {Text(i)} of {path}", new Dictionary<string, byte[]>
                {
                    [path] = Exchange([.. _files[path]], block - ImageFormat.BlockLength, block, ImageFormat.BlockLength),
                    [ImageFormat.Tags.Text] = Exchange([.. _files[ImageFormat.Tags.Text]], tag - ImageFormat.TagLength, tag, ImageFormat.TagLength),
                });
            }
        }

        for (int i = 1; i < image.Records.Count; i++)
        {
            int at = Header + (i * FileRecord.Length);
            yield return Change("order", $"records {Text(i - 1)} and {Text(i)}", ImageFormat.Files.Text, bytes => Exchange(bytes, at - FileRecord.Length, at, FileRecord.Length));
        }

        int table = (int)image.Manifest.TableLength;
        if (_files[ImageFormat.Files.Text].Length - table >= 2 * ImageFormat.PageDigestLength)
        {
            yield return Change("order", "pages' digests", ImageFormat.Files.Text, bytes => Exchange(bytes, table, table + ImageFormat.PageDigestLength, ImageFormat.PageDigestLength));
            yield return Change("order", "pages", ImageFormat.Files.Text, bytes => Exchange(bytes, 0, ImageFormat.PageLength, table - ImageFormat.PageLength));
        }
    }

    private IEnumerable<ImageMutation> Lengths()
    {
        foreach (string path in Content().Select(file => file.Path).Concat(Own))
        {
            int length = _files[path].Length;
            foreach (int less in new[] { 1, 16, 32, 128, length / 2, length - ImageFormat.BlockLength, length }.Where(less => less > 0 && less <= length).Distinct())
            {
                yield return Change("cut off", $"{path} by {Text(less)} bytes", path, bytes => bytes[..^less]);
            }

            foreach (int more in (int[])[1, 16, 32, 128, 4096])
            {
                yield return Change("continued", $"{path} by {Text(more)} zeros", path, bytes => [.. bytes, .. new byte[more]]);
            }

            if (path != ImageFormat.Key.Text)
            {
                // Twice the same key is a sequence of keys like any other.
                yield return Change("continued", path + " by itself", path, bytes => [.. bytes, .. bytes]);
            }

            yield return Change("continued", path + " at its beginning", path, bytes => [0, .. bytes]);
        }

        foreach (string path in image.Paths.Zip(image.Records).Where(pair => pair.Second is { IsFile: true, Size: 0 }).Select(pair => pair.First.Text))
        {
            yield return Change("continued", path + ", which is empty", path, _ => [0]);
        }
    }

    /// <summary>Parts of an older version. All of it would be that version, whole; only its counter tells.</summary>
    private IEnumerable<ImageMutation> Replays()
    {
        List<string> changed = [.. _files.Keys.Where(path => _older.TryGetValue(path, out byte[]? old) && !old.AsSpan().SequenceEqual(_files[path]))];
        for (int set = 1; set < 1 << Own.Length; set++)
        {
            List<string> own = [.. Own.Where((_, i) => (set >> i & 1) != 0 && changed.Contains(Own[i]))];
            if (own.Count > 0 && own.Count == System.Numerics.BitOperations.PopCount((uint)set))
            {
                // All that describes the older version, over the files of this one, is among these.
                yield return new ImageMutation("replay", string.Join(" ", own), own.ToDictionary(path => path, path => _older[path]));
                if (own.Count < Own.Count(changed.Contains))
                {
                    yield return new ImageMutation("replay", string.Join(" ", own) + " and all files", own.Concat(changed.Except(Own)).ToDictionary(path => path, path => _older[path]));
                }
            }
        }

        foreach (string path in changed.Except(Own))
        {
            yield return new ImageMutation("replay", path, new Dictionary<string, byte[]> { [path] = _older[path] });
            yield return new ImageMutation("replay", path + " with the tags", new Dictionary<string, byte[]> { [path] = _older[path], [ImageFormat.Tags.Text] = _older[ImageFormat.Tags.Text] });
        }
    }

    private int RecordAt(string path) => Header + (image.Paths.ToList().FindIndex(own => own.Text == path) * FileRecord.Length);

    private static byte[] Exchange(byte[] bytes, int one, int two, int length)
    {
        byte[] first = bytes.AsSpan(one, length).ToArray();
        byte[] second = bytes.AsSpan(two, length).ToArray();
        second.CopyTo(bytes, one);
        first.CopyTo(bytes, two);
        return bytes;
    }
}
