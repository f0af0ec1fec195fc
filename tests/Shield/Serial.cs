using Xunit;

// The shield's state is static, as it is in the machine: one test at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
