using System.Globalization;
using System.Text;

namespace BlackBox.Abi.Generator;

/// <summary>The description as a C header, for the Linux module; its plain numbers serve assembly too.</summary>
internal static class HeaderWriter
{
    public static string Write(AbiModel model)
    {
        StringBuilder output = new();
        output.Append("""
            /* SPDX-License-Identifier: GPL-2.0-only OR MIT */
            /* Made from src/Abi/abi.json by src/Abi/Generator. Do not edit. */
            #ifndef BLACKBOX_ABI_H
            #define BLACKBOX_ABI_H

            #ifdef __ASSEMBLER__
            #define BB_U32(value) value
            #define BB_U64(value) value
            #else
            #include <linux/types.h>
            #define BB_U32(value) value##U
            #define BB_U64(value) value##ULL
            #endif


            """);
        Define(output, "ABI_VERSION_MAJOR", Number(model.Version.Major), "");
        Define(output, "ABI_VERSION_MINOR", Number(model.Version.Minor), "");
        output.Append('\n');

        Comment(output, model.Constants.Doc);
        foreach (Constant constant in model.Constants.Values)
            Define(output, Names.Upper(constant.Name), $"BB_{(constant.Type == "u64" ? "U64" : "U32")}({constant.Value})", constant.Doc);
        output.Append('\n');

        Comment(output, model.Errors.Doc);
        foreach (NamedValue value in model.Errors.Values)
            Define(output, "STATUS_" + Names.Upper(value.Name), value.Value < 0 ? $"({value.Value})" : Number(value.Value), value.Doc);
        output.Append('\n');

        foreach (CallGroup group in model.Hypercalls)
        {
            Comment(output, $"{group.Doc} Conduit: {group.Conduit}.");
            foreach (Call call in group.Calls)
            {
                string number = "0x" + (group.FirstNumber + call.Number).ToString("x", CultureInfo.InvariantCulture);
                Define(output, $"{Names.Upper(group.Name)}_{Names.Upper(call.Name)}", $"BB_U32({number})",
                    $"({string.Join(", ", call.Args.Select(argument => argument.Name))})"
                    + (call.Results.Count > 0 ? " -> " + string.Join(", ", call.Results.Select(result => result.Name)) : ""));
            }
            output.Append('\n');
        }

        Comment(output, model.Services.Doc);
        foreach (NamedValue value in model.Services.Values)
            Define(output, "SERVICE_" + Names.Upper(value.Name), Number(value.Value), value.Doc);
        output.Append('\n');

        Comment(output, "Offsets and sizes, for assembly.");
        foreach (Structure structure in model.Structs)
        {
            string prefix = Names.Upper(structure.Name);
            Define(output, "SIZEOF_" + prefix, Number(structure.Size), "");
            foreach (StructureField field in structure.Fields)
            {
                Define(output, $"{prefix}_{Names.Upper(field.Name)}_OFFSET", Number(field.Offset), "");
                if (field.IsArray)
                    Define(output, $"{prefix}_{Names.Upper(field.Name)}_COUNT", Number(field.Count), "");
            }
        }
        output.Append("\n#ifndef __ASSEMBLER__\n\n");
        Dictionary<string, int> sizes = model.Structs.ToDictionary(structure => structure.Name, structure => structure.Size);
        foreach (Structure structure in model.Structs)
            WriteStructure(output, structure, sizes);
        output.Append("#endif /* __ASSEMBLER__ */\n#endif /* BLACKBOX_ABI_H */\n");
        return output.ToString();
    }

    private static void WriteStructure(StringBuilder output, Structure structure, Dictionary<string, int> sizes)
    {
        string name = "bb_" + Names.Snake(structure.Name);
        Comment(output, structure.Doc);
        output.Append(CultureInfo.InvariantCulture, $"struct {name} {{\n");
        int end = 0;
        int paddings = 0;
        foreach (StructureField field in structure.Fields)
        {
            Pad(output, field.Offset - end, ref paddings);
            string count = field.IsArray ? $"[{field.Count}]" : "";
            string doc = field.Doc.Length > 0 ? $" /* {field.Doc} */" : "";
            output.Append(CultureInfo.InvariantCulture, $"\t{Names.CType(field.Type)} {Names.Snake(field.Name)}{count};{doc}\n");
            end = field.Offset + field.Count * sizes.GetValueOrDefault(field.Type, Names.SizeOf(field.Type));
        }
        Pad(output, structure.Size - end, ref paddings);
        output.Append("};\n");
        output.Append(CultureInfo.InvariantCulture, $"_Static_assert(sizeof(struct {name}) == {structure.Size}, \"{name}\");\n");
        foreach (StructureField field in structure.Fields)
        {
            output.Append(CultureInfo.InvariantCulture,
                $"_Static_assert(__builtin_offsetof(struct {name}, {Names.Snake(field.Name)}) == {field.Offset}, \"{name}\");\n");
        }
        output.Append('\n');
    }

    private static void Pad(StringBuilder output, int bytes, ref int paddings)
    {
        if (bytes > 0)
            output.Append(CultureInfo.InvariantCulture, $"\t__u8 pad{paddings++}[{bytes}];\n");
    }

    private static void Define(StringBuilder output, string name, string value, string doc)
    {
        if (output.ToString().Contains($"#define BB_{name} ", StringComparison.Ordinal))
            throw new AbiException($"BB_{name} would be defined twice in the C header");
        output.Append(CultureInfo.InvariantCulture, $"#define BB_{name} {value}");
        output.Append(doc.Length > 0 ? $" /* {doc} */\n" : "\n");
    }

    private static void Comment(StringBuilder output, string text) => output.Append(CultureInfo.InvariantCulture, $"/* {text} */\n");

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
