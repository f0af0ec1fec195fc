using System.Reflection;
using BlackBox.Mutants;
using Xunit;

namespace BlackBox.Monitor.Tests;

/// <summary>The planted faults of <c>blackbox dev mutants</c> still fit the sources. That they are caught is for the command to show: it takes minutes.</summary>
public sealed class MutantTests
{
    private static readonly string Root = typeof(MutantTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "RepositoryRoot").Value!;

    [Fact]
    public void Every_planted_fault_fits_its_source()
    {
        IReadOnlyList<Mutant> mutants = Mutant.ReadForHost(Root);
        Assert.True(mutants.Count >= 15);
        foreach (Mutant mutant in mutants)
        {
            foreach (string file in mutant.Edits.Select(edit => edit.File).Distinct())
            {
                string source = File.ReadAllText(Path.Combine(Root, file));
                Assert.NotEqual(source, mutant.Apply(file, source));
            }
        }
    }
}
