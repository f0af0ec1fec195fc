namespace BlackBox.Attacks;

/// <summary>All attacks, family by family.</summary>
public static class AttackList
{
    public static IReadOnlyList<Attack> All { get; } =
    [
        new AfterKill(), new BlockMapping(), new DumpOfAll(), new LinearMapRead(), new LinearMapWrite(), new MemremapRead(), new OtherAccesses(),
        new OtherProcess(), new PoisonedFrames(), new ProcMem(), new StaleTranslation(), new UserMappingExecute(), new UserMappingRead(),
        new UserMappingWrite(), new VmapRead(),

        new Breakpoint(), new DebuggerRead(), new DebuggerWrite(), new Profiler(), new RegistersInMemory(), new SingleStep(), new Watchpoint(),

        new HiddenDevices(), new MonitorRead(), new MonitorUserMapping(), new MonitorWrite(),

        new ForeignThread(), new ForgedHandles(), new ForgedOffset(), new ForgedSignal(), new GateWrite(), new RemappedGate(), new SameTaskTwice(),
        new StaleHandle(), new SwappedHandles(),

        new AfterEnd(), new ForgedExec(), new KillStorm(),

        new DataExtremes(), new DataFlip(), new DataNoise(), new HeaderExtremes(), new HeaderFlip(), new HeaderNoise(), new SignalAreaNoise(),

        new ChildTwice(), new ClockData(), new DescriptorImplausible(), new DescriptorStandard(), new DescriptorTwice(), new FolderTooLong(),
        new FutexInterrupted(), new FutexTimeout(), new FutexWild(), new GrantNeighbour(), new GrantNowhere(), new GrantOsFrame(), new GrantTwice(),
        new MapTwice(), new PollDescriptor(), new PollTooMany(), new ProcessNumber(), new RandomConstant(), new ReadImplausible(), new ReadTooLong(),
        new StatImplausible(), new WaitForeign(), new WaitNothing(), new WaitStatus(), new WriteTooLong(),

        new ForgedFault(), new FrameNoise(), new SignalStorm(),

        new PipeRead(), new PipeWrite(), new SocketRead(), new SocketWrite(),

        new CloneWithoutTicket(), new DestroyWhileRunning(), new DonateForeign(), new DoubleUse(), new ExitWhileAlive(), new FuzzOwn(),
        new FuzzVictims(), new GrantForeign(), new MalformedRanges(), new ReclaimInUse(), new ShareForeign(), new ShieldCallsFromOs(),
        new StaleEnclave(), new StatisticsIntoContainer(),

        new FaultLoop(), new ForeignFrames(), new LimitedMemory(), new UnlimitedMemory(), new Hypercalls(), new Instructions(), new LogForeign(), new ManyTasks(),
        new MaskedInterrupts(), new SystemRegisters(), new WildFaults(), new WildJump(), new WildRead(), new WildTables(), new WildWrite(),
        new YieldForeign(),

        new ClockBack(), new InterruptStorm(), new Starvation(),

        new CpuOnForeignEntry(), new CpuOnRunning(), new HiddenPowerCalls(), new HotplugWhileRunning(), new OffRemains(), new ResetRemains(),
        new SmcScan(),

        new Alternating(), new Appended(), new ChangedCode(), new ChangedFirstBlock(), new ChangedHead(), new ChangedKey(), new ChangedPolicy(),
        new ChangedSignature(), new ChangedTable(), new ChangedTags(), new EmptyManifest(), new FewerArguments(), new ForeignEnvironment(),
        new ForeignKey(), new ForeignManifest(), new HugeManifest(), new LinkedFolder(), new LinkedName(), new LinkedProgram(), new ManifestDevice(),
        new ManifestLoop(), new MoreArguments(), new MountedManifest(), new MountedProgram(), new NoManifest(), new OtherArguments(),
        new OtherEntryPoint(), new OtherVersion(), new OtherVersionManifest(), new OtherVersionTable(), new OtherVersionTags(), new ParentPath(),
        new Renamed(), new ScriptChanged(), new ScriptInterpreter(), new ScriptSwapped(), new SwappedBlocks(), new Truncated(), new UnlistedName(),

        new ContainerByDevice(), new ContainerFromDevice(), new ContainerFromQueue(), new FirmwareConfiguration(), new MonitorByDevice(),
        new MonitorFromDevice(), new MonitorFromQueue(), new PendingTables(), new ReturnedToDevice(), new ShieldByDevice(), new ShieldFromDevice(),
        new StaleDeviceTranslation(),
    ];
}
