using System;
using System.Buffers.Binary;
using System.Runtime;
using System.Runtime.CompilerServices;

namespace BlackBox.Monitor;

/// <summary>The firmware's services as the loader uses them.</summary>
internal static unsafe partial class Efi
{
    public const ulong SecurityViolation = Error | 26;

    private const ulong Error = 1UL << 63;
    private const ulong LargestFile = 1UL << 30;
    private const int LongestName = 64;
    private const uint LoaderCode = 1;
    private const uint LoaderData = 2;
    private const int MapBytes = 0x2_0000;
    private const int ExitAttempts = 8;

    private static void* _handle;
    private static EfiSystemTable* _system;

    private static EfiBootServices* Boot => _system->Boot;

    /// <summary>Exception level that this runs at.</summary>
    public static uint Level => (uint)(ReadLevel() >> 2) & 3;

    public static void Start(void* handle, EfiSystemTable* system)
    {
        _handle = handle;
        _system = system;
        _ = Boot->SetWatchdogTimer(0, 0, 0, null);
    }

    /// <summary>The part of RAM that pages come from.</summary>
    public static AddressRange Clear;

    /// <summary>Writes ASCII to the firmware's console.</summary>
    public static void Write(ReadOnlySpan<byte> text)
    {
        char* unit = stackalloc char[2];
        unit[1] = '\0';
        for (int i = 0; i < text.Length; i++)
        {
            unit[0] = (char)text[i];
            _ = _system->Console->OutputString(_system->Console, unit);
        }
    }

    /// <summary>Writes bytes in hexadecimal.</summary>
    public static void WriteHex(ReadOnlySpan<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            Write("0123456789abcdef"u8.Slice(bytes[i] >> 4, 1));
            Write("0123456789abcdef"u8.Slice(bytes[i] & 15, 1));
        }
    }

    /// <summary>A global variable of one byte; -1 if there is none.</summary>
    public static int ReadFlag(ReadOnlySpan<byte> name)
    {
        EfiGuid global = new(0x11d293ca8be4df61, 0x8c2b0398e0000daa);
        char* wide = stackalloc char[LongestName];
        Widen(name, wide);
        byte value = 0;
        ulong size = 1;
        uint attributes = 0;
        return _system->Runtime->GetVariable(wide, &global, &attributes, &size, &value) == 0 && size == 1 ? value : -1;
    }

    /// <summary>Reads a file of the volume that this program came from, whole, into pages of its own.</summary>
    public static bool TryReadFile(ReadOnlySpan<byte> path, out AddressRange content)
    {
        content = default;
        EfiFile* file;
        char* wide = stackalloc char[LongestName];
        Widen(path, wide);
        EfiFile* root = OpenRoot();
        if (root == null || root->Open(root, &file, wide, 1, 0) != 0)
        {
            return false;
        }

        // Position at the end tells the size (UEFI, EFI_FILE_PROTOCOL.SetPosition).
        ulong size = 0;
        ulong pages = 0;
        bool good = file->SetPosition(file, ulong.MaxValue) == 0 && file->GetPosition(file, &size) == 0 && size <= LargestFile
            && file->SetPosition(file, 0) == 0 && TryAllocate(size, out pages);
        ulong done = 0;
        while (good && done < size)
        {
            ulong count = size - done;
            good = file->Read(file, &count, (byte*)(pages + done)) == 0 && count != 0 && count <= size - done;
            done += count;
        }

        _ = file->Close(file);
        content = new AddressRange { Start = pages, Size = size };
        return good;
    }

    /// <summary>Pages in the clear part of RAM, which is where a firmware that begins at the end of RAM takes them from.</summary>
    public static bool TryAllocate(ulong bytes, out ulong start, bool isCode = false)
    {
        AddressRange got = new() { Size = BootPlacement.Pages(Math.Max(bytes, 1)) };
        bool good = Boot->AllocatePages(0, isCode ? LoaderCode : LoaderData, got.Size / BootPlacement.PageSize, &got.Start) == 0;
        start = got.Start;
        return good && Clear.Contains(got);
    }

    /// <summary>Memory that was allocated here.</summary>
    public static Span<byte> Bytes(AddressRange range) => new((void*)range.Start, (int)range.Size);

    /// <summary>The device tree in the firmware's configuration table; empty if there is none.</summary>
    public static AddressRange FindTree()
    {
        EfiGuid wanted = new(0x41a5f19cb1b621d5, 0xe0aa692c15d90b83);
        for (ulong i = 0; i < _system->TableCount; i++)
        {
            if (_system->Tables[i].Vendor.Low == wanted.Low && _system->Tables[i].Vendor.High == wanted.High)
            {
                byte* table = _system->Tables[i].Table;
                return new AddressRange { Start = (ulong)table, Size = DeviceTree.SizeOf(new ReadOnlySpan<byte>(table, 40)) };
            }
        }

        return default;
    }

    /// <summary>The first part of a range that the firmware does not give away, not even after ExitBootServices; empty if there is none.</summary>
    public static AddressRange FindReserved(AddressRange range)
    {
        ulong size, key, stride;
        if (!TryAllocate(MapBytes, out ulong buffer) || !TryReadMap(buffer, &size, &key, &stride))
        {
            return range;
        }

        for (ulong at = 0; at + stride <= size; at += stride)
        {
            EfiMemoryDescriptor* entry = (EfiMemoryDescriptor*)(buffer + at);
            AddressRange found = new() { Start = entry->Start, Size = entry->Pages * BootPlacement.PageSize };

            // Loader and boot services (1-4), conventional (7). Linux gets no runtime services (5, 6) and no ACPI (9, 10; the TPM's log is there).
            bool isFree = entry->Type is >= 1 and <= 7 or 9 or 10;
            if (!isFree && found.Overlaps(range))
            {
                return found;
            }
        }

        return default;
    }

    /// <summary>Measures into a PCR, with an entry in the firmware's log; false without a TPM.</summary>
    public static bool TryMeasure(uint register, ReadOnlySpan<byte> name, ReadOnlySpan<byte> content)
    {
        const int Header = 18;
        EfiTcg2* protocol = FindTpm();
        if (protocol == null || name.Length > LongestName)
        {
            return false;
        }

        // EFI_TCG2_EVENT: size; header's size, version, PCR, type EV_IPL; the name.
        Span<byte> description = stackalloc byte[Header + LongestName];
        BinaryPrimitives.WriteUInt32LittleEndian(description, (uint)(Header + name.Length));
        BinaryPrimitives.WriteUInt32LittleEndian(description.Slice(4), 14);
        BinaryPrimitives.WriteUInt16LittleEndian(description.Slice(8), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(description.Slice(10), register);
        BinaryPrimitives.WriteUInt32LittleEndian(description.Slice(14), 0xd);
        name.CopyTo(description.Slice(Header));
        fixed (byte* text = description)
        fixed (byte* data = content)
        {
            return protocol->HashLogExtendEvent(protocol, 0, data, (ulong)content.Length, text) == 0;
        }
    }

    /// <summary>Sends a command to the TPM.</summary>
    public static bool TrySubmit(ReadOnlySpan<byte> command, Span<byte> answer)
    {
        EfiTcg2* protocol = FindTpm();
        fixed (byte* input = command)
        fixed (byte* output = answer)
        {
            return protocol != null && protocol->SubmitCommand(protocol, (uint)command.Length, input, (uint)answer.Length, output) == 0;
        }
    }

    /// <summary>The firmware's log of measurements, as much as fits. Behind its end is what the firmware left in the area, which has 64 KiB at least.</summary>
    public static bool TryReadLog(Span<byte> log)
    {
        const uint CryptoAgile = 2;
        byte* start = null;
        byte* last;
        byte isCut;
        EfiTcg2* protocol = FindTpm();
        bool good = protocol != null && protocol->GetEventLog(protocol, CryptoAgile, &start, &last, &isCut) == 0 && start != null;
        new ReadOnlySpan<byte>(start, good ? log.Length : 0).CopyTo(log);
        return good;
    }

    /// <summary>Ends the firmware's services, makes the moves and starts the monitor.</summary>
    /// <param name="code">a page for a copy of the code that does it, clear of all destinations</param>
    /// <param name="moves">triples (to, from, bytes) that <see cref="Moves"/> has made</param>
    public static void Leave(ulong code, in Moves moves, ulong tree, ulong facts)
    {
        if (!TryAllocate(MapBytes, out ulong buffer))
        {
            return;
        }

        for (int i = 0; i < ExitAttempts; i++)
        {
            ulong size, key, stride;
            if (TryReadMap(buffer, &size, &key, &stride) && Boot->ExitBootServices(_handle, key) == 0)
            {
                Go(code, moves.List, BootPlacement.MonitorStart, tree, facts);
            }
        }
    }

    /// <summary>The monitor's image in this program.</summary>
    public static AddressRange MonitorImage => new() { Start = MonitorImageStart(), Size = MonitorImageEnd() - MonitorImageStart() };

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_isar0")]
    public static extern ulong ReadInstructionSet();

    private static EfiTcg2* FindTpm()
    {
        EfiGuid guid = new(0x42be7455607f766c, 0x0f72b26dd7e40b93);
        EfiTcg2* protocol;
        return Boot->LocateProtocol(&guid, null, (void**)&protocol) == 0 ? protocol : null;
    }

    private static EfiFile* OpenRoot()
    {
        EfiGuid imageGuid = new(0x11d295625b1b31a1, 0x3b7269c9a0003f8e);
        EfiGuid volumeGuid = new(0x11d26459964e5b22, 0x3b7269c9a000398e);
        void** image;    // EFI_LOADED_IMAGE_PROTOCOL, whose fourth word is the device
        EfiFileSystem* volume;
        EfiFile* root = null;
        bool good = Boot->HandleProtocol(_handle, &imageGuid, (void**)&image) == 0
            && Boot->HandleProtocol(image[3], &volumeGuid, (void**)&volume) == 0 && volume->OpenVolume(volume, &root) == 0;
        return good ? root : null;
    }

    private static bool TryReadMap(ulong buffer, ulong* size, ulong* key, ulong* stride)
    {
        uint version = 0;
        *size = MapBytes;
        return Boot->GetMemoryMap(size, (byte*)buffer, key, stride, &version) == 0 && *stride >= (ulong)sizeof(EfiMemoryDescriptor);
    }

    private static void Widen(ReadOnlySpan<byte> text, char* wide)
    {
        BlackBox.Freestanding.Panic.Unless(text.Length < LongestName, "name is too long"u8);
        for (int i = 0; i < text.Length; i++)
        {
            wide[i] = (char)text[i];
        }

        wide[text.Length] = '\0';
    }

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_level")]
    private static extern ulong ReadLevel();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_monitor_start")]
    private static extern ulong MonitorImageStart();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_monitor_end")]
    private static extern ulong MonitorImageEnd();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_go")]
    private static extern void Go(ulong code, ulong moves, ulong entry, ulong tree, ulong facts);
}
