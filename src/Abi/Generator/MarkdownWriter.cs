using System.Globalization;
using System.Text;

namespace BlackBox.Abi.Generator;

/// <summary>The description as a reference page.</summary>
internal static class MarkdownWriter
{
    public static string Write(AbiModel model)
    {
        StringBuilder output = new();
        output.Append(CultureInfo.InvariantCulture, $"""
            <!-- Made from src/Abi/abi.json by src/Abi/Generator. Do not edit. -->
            # Hypercalls and shared structures

            Interface version {model.Version.Major}.{model.Version.Minor}. This page, the C# and the C header in `src/Abi/Generated` are made from
            one description, `src/Abi/abi.json`.


            """);
        foreach (CallGroup group in model.Hypercalls)
            WriteCalls(output, group);

        output.Append("## Status values\n\n").Append(model.Errors.Doc).Append("\n\n| Status | x0 | Meaning |\n|---|---|---|\n");
        foreach (NamedValue value in model.Errors.Values)
            output.Append(CultureInfo.InvariantCulture, $"| `{value.Name}` | {value.Value} | {Cell(value.Doc)} |\n");

        output.Append("\n## Services of the module\n\n").Append(model.Services.Doc).Append("\n\n| Service | Number | Meaning |\n|---|---|---|\n");
        foreach (NamedValue value in model.Services.Values)
            output.Append(CultureInfo.InvariantCulture, $"| `{value.Name}` | {value.Value} | {Cell(value.Doc)} |\n");

        output.Append("\n## Constants\n\n").Append(model.Constants.Doc).Append("\n\n| Constant | Value | Meaning |\n|---|---|---|\n");
        foreach (Constant constant in model.Constants.Values)
            output.Append(CultureInfo.InvariantCulture, $"| `{constant.Name}` | {constant.Value} | {Cell(constant.Doc)} |\n");

        output.Append("\n## Structures\n\nLittle-endian; bytes that no field covers are zero.\n");
        foreach (Structure structure in model.Structs)
        {
            output.Append(CultureInfo.InvariantCulture,
                $"\n### {structure.Name} ({structure.Size} bytes)\n\n{structure.Doc}\n\n| Offset | Field | Type | Meaning |\n|---|---|---|---|\n");
            foreach (StructureField field in structure.Fields)
            {
                string type = field.IsArray ? $"{field.Type}[{field.Count}]" : field.Type;
                output.Append(CultureInfo.InvariantCulture, $"| {field.Offset} | `{field.Name}` | {type} | {Cell(field.Doc)} |\n");
            }
        }
        return output.ToString();
    }

    private static void WriteCalls(StringBuilder output, CallGroup group)
    {
        output.Append(CultureInfo.InvariantCulture, $"## Calls of the {(group.Name == "os" ? "operating system" : group.Name)}\n\n{group.Doc}\n\nConduit: {group.Conduit}.\n");
        foreach (Call call in group.Calls)
        {
            string number = "0x" + (group.FirstNumber + call.Number).ToString("x", CultureInfo.InvariantCulture);
            output.Append(CultureInfo.InvariantCulture, $"\n### {call.Name} ({number})\n\n{call.Doc}\n\n");
            List(output, "Arguments", call.Args);
            List(output, "Results", call.Results);
            if (call.Errors.Count > 0)
                output.Append(CultureInfo.InvariantCulture, $"Errors: {string.Join(", ", call.Errors.Select(error => $"`{error}`"))}.\n");
            else
                output.Append("Errors: none.\n");
        }
        output.Append('\n');
    }

    private static void List(StringBuilder output, string title, IReadOnlyList<Parameter> parameters)
    {
        if (parameters.Count == 0)
            return;
        output.Append(CultureInfo.InvariantCulture, $"{title}:\n\n");
        foreach (Parameter parameter in parameters)
            output.Append(CultureInfo.InvariantCulture, $"- `{parameter.Name}`: {parameter.Doc}\n");
        output.Append('\n');
    }

    private static string Cell(string text) => text.Replace("|", "\\|");
}
