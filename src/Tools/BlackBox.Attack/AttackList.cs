namespace BlackBox.Attacks;

/// <summary>All attacks, in the order in which they run.</summary>
public static class AttackList
{
    public static IReadOnlyList<Attack> All { get; } =
    [
        new AfterKill(), new LinearMapRead(), new LinearMapWrite(), new MemremapRead(), new ProcMem(), new RegistersInMemory(), new UserMappingExecute(), new UserMappingRead(), new UserMappingWrite(), new VmapRead(),

        new HiddenDevices(), new MonitorRead(), new MonitorUserMapping(), new MonitorWrite(),

        new ForeignThread(), new ForgedHandles(), new ForgedOffset(), new ForgedSignal(), new GateWrite(), new RemappedGate(), new SameTaskTwice(), new SwappedHandles(),

        new DataExtremes(), new DataFlip(), new DataNoise(), new HeaderExtremes(), new HeaderFlip(), new HeaderNoise(), new SignalAreaNoise(),

        new ChildTwice(), new DescriptorImplausible(), new DescriptorStandard(), new DescriptorTwice(), new MapTwice(), new PollTooMany(), new ProcessNumber(), new ReadImplausible(), new ReadTooLong(), new StatImplausible(), new WaitForeign(), new WaitNothing(), new WriteTooLong(),

        new CloneWithoutTicket(), new DestroyWhileRunning(), new DonateForeign(), new DoubleUse(), new ExitWhileAlive(), new FuzzOwn(), new FuzzVictims(), new GrantForeign(), new MalformedRanges(), new ReclaimInUse(), new ShareForeign(), new ShieldCallsFromOs(), new StatisticsIntoContainer(),

        new CpuOnForeignEntry(), new CpuOnRunning(), new HiddenPowerCalls(), new HotplugWhileRunning(), new SmcScan(),

        new Appended(), new ChangedCode(), new ChangedFirstBlock(), new ChangedHead(), new ChangedKey(), new ChangedPolicy(), new ChangedSignature(), new ChangedTable(), new ChangedTags(), new EmptyManifest(), new FewerArguments(), new ForeignEnvironment(), new ForeignKey(), new ForeignManifest(), new HugeManifest(), new LinkedName(), new ManifestDevice(), new ManifestLoop(), new MoreArguments(), new NoManifest(), new OtherArguments(), new OtherEntryPoint(), new OtherVersion(), new OtherVersionTable(), new OtherVersionTags(), new Renamed(), new SwappedBlocks(), new Truncated(), new UnlistedName(),

        new FirmwareConfiguration(),
    ];
}
