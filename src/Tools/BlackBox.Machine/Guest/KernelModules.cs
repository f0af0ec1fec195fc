using System.Text;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Guest;

/// <summary>
/// Finds modules of a kernel with all they depend on, in the order in which they must be loaded. What a module depends
/// on stands in its own .modinfo section, so no depmod is needed.
/// </summary>
public sealed class KernelModules
{
    private readonly Dictionary<string, string> _files;
    private readonly Dictionary<string, IReadOnlyList<string>> _dependencies = [];

    public KernelModules(GuestKernel kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        Release = kernel.Release;
        _files = Directory.EnumerateFiles(kernel.Modules, "*.ko", SearchOption.AllDirectories)
            .ToDictionary(file => Normalise(Path.GetFileNameWithoutExtension(file)), file => file, StringComparer.Ordinal);
    }

    public string Release { get; }

    /// <summary>Module files, dependencies first.</summary>
    /// <exception cref="BlackBoxException">The kernel has no such module.</exception>
    public IReadOnlyList<string> LoadOrder(IEnumerable<string> names)
    {
        var order = new List<string>();
        var visited = new HashSet<string>(StringComparer.Ordinal);
        void Visit(string name)
        {
            if (!visited.Add(name))
            {
                return;
            }

            if (!_files.TryGetValue(name, out var file))
            {
                throw new BlackBoxException($"Debian kernel {Release} has no module '{name}'");
            }

            foreach (var dependency in DependenciesOf(name, file))
            {
                Visit(dependency);
            }

            order.Add(file);
        }

        foreach (var name in names)
        {
            Visit(Normalise(name));
        }

        return order;
    }

    /// <summary>
    /// The modules as guest files: /lib/blackbox/modules/NN-name.ko, numbered in load order, which the guest's init
    /// loads in the order of their names.
    /// </summary>
    public RootFilesystem ToGuestFiles(IEnumerable<string> names)
    {
        var result = new RootFilesystem();
        var number = 0;
        foreach (var file in LoadOrder(names))
        {
            result.Add(RootEntry.File(RootPath.Parse($"/lib/blackbox/modules/{number++:D3}-{Path.GetFileName(file)}"), ContentSource.FromFile(file)));
        }

        return result;
    }

    private IReadOnlyList<string> DependenciesOf(string name, string file)
    {
        if (_dependencies.TryGetValue(name, out var known))
        {
            return known;
        }

        var info = Encoding.UTF8.GetString(ElfFile.Parse(File.ReadAllBytes(file)).Section(".modinfo"));
        var list = info.Split('\0')
            .Where(field => field.StartsWith("depends=", StringComparison.Ordinal) || field.StartsWith("softdep=pre: ", StringComparison.Ordinal))
            .SelectMany(field => field.StartsWith("depends=", StringComparison.Ordinal)
                ? field["depends=".Length..].Split(',', StringSplitOptions.RemoveEmptyEntries)
                : field["softdep=pre: ".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(soft => _files.ContainsKey(Normalise(soft))))
            .Select(Normalise).ToList();
        return _dependencies[name] = list;
    }

    private static string Normalise(string name) => name.Replace('-', '_');
}
