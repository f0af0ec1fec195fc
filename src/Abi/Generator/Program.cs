using System.Text;

namespace BlackBox.Abi.Generator;

internal static class Program
{
    /// <summary>Usage: abi-generator [check] [root of the source tree]. Exit status 1: a file is out of date, or the description is wrong.</summary>
    private static int Main(string[] arguments)
    {
        bool check = arguments.Contains("check");
        string root = arguments.FirstOrDefault(argument => argument != "check") ?? FindRoot();
        try
        {
            AbiModel model = AbiModel.Load(Path.Combine(root, "src/Abi/abi.json"));
            bool current = true;
            current &= Emit(root, "src/Abi/Generated/AbiNumbers.cs", CSharpWriter.WriteNumbers(model), check);
            current &= Emit(root, "src/Abi/Generated/AbiStructures.cs", CSharpWriter.WriteStructures(model), check);
            current &= Emit(root, "src/Abi/Generated/blackbox_abi.h", HeaderWriter.Write(model), check);
            current &= Emit(root, "docs/hypercalls.md", MarkdownWriter.Write(model), check);
            return current || !check ? 0 : 1;
        }
        catch (AbiException exception)
        {
            Console.Error.WriteLine($"src/Abi/abi.json: error ABI1: {exception.Message}");
            return 1;
        }
    }

    /// <summary>Writes a file, or compares it. Returns whether it already had this content.</summary>
    private static bool Emit(string root, string path, string content, bool check)
    {
        string file = Path.Combine(root, path);
        content = content.ReplaceLineEndings("\n");
        if (File.Exists(file) && File.ReadAllText(file) == content)
            return true;
        if (check)
        {
            Console.Error.WriteLine($"{path}: error ABI2: not what src/Abi/abi.json says; run: dotnet run --project src/Abi/Generator");
            return false;
        }
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, content, new UTF8Encoding(false));
        Console.WriteLine($"written: {path}");
        return false;
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "src/Abi/abi.json")))
                return folder.FullName;
        }
        throw new AbiException("no src/Abi/abi.json above the current folder");
    }
}
