using System.Runtime.InteropServices;

namespace BlackBox.Monitor;

/// <summary>The firmware's tables (UEFI specification 2.10, chapters 4, 7, 8, 12, 13; TCG EFI Protocol Specification, family 2.0), with only those
/// members that are used. Its calls follow AAPCS64, as ours do.</summary>
[StructLayout(LayoutKind.Explicit)]
internal unsafe struct EfiSystemTable
{
    [FieldOffset(64)] public EfiTextOutput* Console;
    [FieldOffset(88)] public EfiRuntimeServices* Runtime;
    [FieldOffset(96)] public EfiBootServices* Boot;
    [FieldOffset(104)] public ulong TableCount;
    [FieldOffset(112)] public EfiConfigurationTable* Tables;
}

internal unsafe struct EfiConfigurationTable
{
    public EfiGuid Vendor;
    public byte* Table;
}

internal struct EfiGuid(ulong low, ulong high)
{
    public ulong Low = low;
    public ulong High = high;
}

[StructLayout(LayoutKind.Explicit)]
internal unsafe struct EfiBootServices
{
    [FieldOffset(40)] public delegate* unmanaged[SuppressGCTransition]<uint, uint, ulong, ulong*, ulong> AllocatePages;
    [FieldOffset(56)] public delegate* unmanaged[SuppressGCTransition]<ulong*, byte*, ulong*, ulong*, uint*, ulong> GetMemoryMap;
    [FieldOffset(152)] public delegate* unmanaged[SuppressGCTransition]<void*, EfiGuid*, void**, ulong> HandleProtocol;
    [FieldOffset(232)] public delegate* unmanaged[SuppressGCTransition]<void*, ulong, ulong> ExitBootServices;
    [FieldOffset(256)] public delegate* unmanaged[SuppressGCTransition]<ulong, ulong, ulong, char*, ulong> SetWatchdogTimer;
    [FieldOffset(320)] public delegate* unmanaged[SuppressGCTransition]<EfiGuid*, void*, void**, ulong> LocateProtocol;
}

[StructLayout(LayoutKind.Explicit)]
internal unsafe struct EfiRuntimeServices
{
    [FieldOffset(72)] public delegate* unmanaged[SuppressGCTransition]<char*, EfiGuid*, uint*, ulong*, void*, ulong> GetVariable;
}

[StructLayout(LayoutKind.Explicit)]
internal unsafe struct EfiTextOutput
{
    [FieldOffset(8)] public delegate* unmanaged[SuppressGCTransition]<EfiTextOutput*, char*, ulong> OutputString;
}

[StructLayout(LayoutKind.Explicit)]
internal unsafe struct EfiFileSystem
{
    [FieldOffset(8)] public delegate* unmanaged[SuppressGCTransition]<EfiFileSystem*, EfiFile**, ulong> OpenVolume;
}

[StructLayout(LayoutKind.Explicit)]
internal unsafe struct EfiFile
{
    [FieldOffset(8)] public delegate* unmanaged[SuppressGCTransition]<EfiFile*, EfiFile**, char*, ulong, ulong, ulong> Open;
    [FieldOffset(16)] public delegate* unmanaged[SuppressGCTransition]<EfiFile*, ulong> Close;
    [FieldOffset(32)] public delegate* unmanaged[SuppressGCTransition]<EfiFile*, ulong*, byte*, ulong> Read;
    [FieldOffset(48)] public delegate* unmanaged[SuppressGCTransition]<EfiFile*, ulong*, ulong> GetPosition;
    [FieldOffset(56)] public delegate* unmanaged[SuppressGCTransition]<EfiFile*, ulong, ulong> SetPosition;
}

[StructLayout(LayoutKind.Explicit)]
internal unsafe struct EfiTcg2
{
    [FieldOffset(8)] public delegate* unmanaged[SuppressGCTransition]<EfiTcg2*, uint, byte**, byte**, byte*, ulong> GetEventLog;
    [FieldOffset(16)] public delegate* unmanaged[SuppressGCTransition]<EfiTcg2*, ulong, byte*, ulong, byte*, ulong> HashLogExtendEvent;
    [FieldOffset(24)] public delegate* unmanaged[SuppressGCTransition]<EfiTcg2*, uint, byte*, uint, byte*, ulong> SubmitCommand;
}

[StructLayout(LayoutKind.Explicit)]
internal struct EfiMemoryDescriptor
{
    [FieldOffset(0)] public uint Type;
    [FieldOffset(8)] public ulong Start;
    [FieldOffset(24)] public ulong Pages;
}
