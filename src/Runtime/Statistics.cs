using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace BlackBox.Runtime;

/// <summary>
/// Versions and counters of monitor and module as one JSON object: <c>version</c>, <c>machine</c> (frames of 4096 bytes, and
/// events since boot), <c>module</c>, <c>enclaves</c> (a list, each with what the monitor counts for it).
/// </summary>
internal static class Statistics
{
    private const int LongestList = 1024;

    // In the order of struct bb_statistics.
    private static readonly string[] MachineFields =
    [
        "framesTotal", "framesOs", "framesMonitor", "framesPrivate", "framesTables", "framesLent", "enclaves", "tasks", "exits", "worldSwitches",
        "osCalls", "interrupts", "tlbInvalidations", "cacheOperations", "refusals", "stageTwoFaults", "bytesScrubbed", "dmaFaults",
        "dmaLastStream", "dmaLastAddress", "smmuCommands",
    ];

    // In the order of struct bb_ioctl_module_statistics, up to the services.
    private static readonly string[] ModuleFields =
    [
        "enclaves", "tasks", "framesGiven", "framesLent", "framesLeaked", "filesPinned", "enclavesCreated", "execs", "clones", "exits", "exitRepeats", "killed",
    ];

    // Services of src/Abi/abi.json by number, from 1.
    private const int ServiceCount = 8;

    private const int MachineGroup = 0;
    private const int EnclaveGroup = 1;

    /// <exception cref="RuntimeException">There is no device, or it refuses.</exception>
    public static string ReadJson()
    {
        var file = Device.Open();
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            WriteVersion(json, file);
            json.WriteStartObject("machine");
            WriteFields(json, MachineFields, Query(file, MachineGroup, 0));
            json.WriteEndObject();
            WriteModule(json, file);
            WriteEnclaves(json, file);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteVersion(Utf8JsonWriter json, int file)
    {
        Span<byte> version = stackalloc byte[Device.VersionSize];
        Ask(file, Device.VersionRequest, version, "version");
        json.WriteStartObject("version");
        json.WriteString("module", Number(BinaryPrimitives.ReadUInt32LittleEndian(version)));
        json.WriteString("monitor", Number(BinaryPrimitives.ReadUInt32LittleEndian(version[4..])));
        json.WriteNumber("features", BinaryPrimitives.ReadUInt64LittleEndian(version[8..]));
        json.WriteEndObject();

        static string Number(uint version) => $"{version >> 16}.{version & 0xFFFF}";
    }

    private static void WriteModule(Utf8JsonWriter json, int file)
    {
        Span<byte> statistics = stackalloc byte[Device.ModuleStatisticsSize];
        Ask(file, Device.ModuleStatisticsRequest, statistics, "module statistics");
        json.WriteStartObject("module");
        WriteFields(json, ModuleFields, statistics);
        json.WriteStartArray("services");
        for (var i = 0; i < ServiceCount; i++)
        {
            json.WriteNumberValue(Word(statistics, ModuleFields.Length + i));
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteEnclaves(Utf8JsonWriter json, int file)
    {
        var entries = GC.AllocateArray<byte>(LongestList * Device.ListEntrySize, pinned: true);
        Span<byte> list = stackalloc byte[Device.ListSize];
        list.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(list, Libc.AddressOf(entries));
        BinaryPrimitives.WriteUInt32LittleEndian(list[8..], LongestList);
        Ask(file, Device.ListRequest, list, "list of enclaves");
        var count = Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(list[8..]), LongestList);
        json.WriteStartArray("enclaves");
        for (var i = 0; i < count; i++)
        {
            var entry = entries.AsSpan(i * Device.ListEntrySize, Device.ListEntrySize);
            var handle = BinaryPrimitives.ReadUInt64LittleEndian(entry);
            json.WriteStartObject();
            json.WriteString("handle", $"0x{handle:x}");
            json.WriteNumber("frames", BinaryPrimitives.ReadUInt64LittleEndian(entry[8..]));
            json.WriteNumber("lent", BinaryPrimitives.ReadUInt64LittleEndian(entry[16..]));
            json.WriteNumber("tasks", BinaryPrimitives.ReadUInt32LittleEndian(entry[24..]));
            json.WriteNumber("slots", BinaryPrimitives.ReadUInt32LittleEndian(entry[28..]));
            json.WriteNumber("process", BinaryPrimitives.ReadUInt32LittleEndian(entry[32..]));
            json.WriteBoolean("stopped", (BinaryPrimitives.ReadUInt32LittleEndian(entry[36..]) & 1) != 0);
            json.WriteString("name", Encoding.UTF8.GetString(entry[40..].TrimEnd((byte)0)));
            WriteMonitorsView(json, file, handle);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>An enclave may end between the two questions: then the monitor has nothing to say about it.</summary>
    private static void WriteMonitorsView(Utf8JsonWriter json, int file, ulong handle)
    {
        try
        {
            var answer = Query(file, EnclaveGroup, handle);
            json.WriteStartObject("monitor");
            WriteFields(json, MachineFields, answer);
            json.WriteEndObject();
        }
        catch (RuntimeException)
        {
            json.WriteNull("monitor");
        }
    }

    private static byte[] Query(int file, uint group, ulong handle)
    {
        var request = new byte[Device.StatisticsSize];
        BinaryPrimitives.WriteUInt32LittleEndian(request, group);
        BinaryPrimitives.WriteUInt64LittleEndian(request.AsSpan(8), handle);
        Ask(file, Device.StatisticsRequest, request, "statistics");
        return request[16..];
    }

    private static void WriteFields(Utf8JsonWriter json, string[] names, ReadOnlySpan<byte> words)
    {
        for (var i = 0; i < names.Length; i++)
        {
            json.WriteNumber(names[i], Word(words, i));
        }
    }

    private static ulong Word(ReadOnlySpan<byte> words, int index) => BinaryPrimitives.ReadUInt64LittleEndian(words[(8 * index)..]);

    private static void Ask(int file, uint request, Span<byte> argument, string what)
    {
        if (Libc.Control(file, request, argument) is not 0 and var error)
        {
            throw new RuntimeException($"{Device.Path} does not give the {what} (error {error})");
        }
    }
}
