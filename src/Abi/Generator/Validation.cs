namespace BlackBox.Abi.Generator;

/// <summary>What must hold in a description before anything is generated from it.</summary>
internal static class Validation
{
    public static void Check(AbiModel model)
    {
        Unique(model.Constants.Values.Select(value => value.Name), "constant");
        Unique(model.Errors.Values.Select(value => value.Name), "error");
        Unique(model.Errors.Values.Select(value => value.Value), "error number");
        Unique(model.Services.Values.Select(value => value.Name), "service");
        Unique(model.Services.Values.Select(value => value.Value), "service number");
        Unique(model.Hypercalls.Select(value => value.Name), "call group");
        Unique(model.Structs.Select(value => value.Name), "structure");
        foreach (Constant constant in model.Constants.Values)
            CheckConstant(constant);
        foreach (CallGroup group in model.Hypercalls)
            CheckCalls(group, model);
        Dictionary<string, (int Size, int Alignment)> known = [];
        foreach (Structure structure in model.Structs)
            known.Add(structure.Name, (structure.Size, CheckStructure(structure, known)));
    }

    private static void CheckConstant(Constant constant)
    {
        int bits = Names.SizeOf(constant.Type) * 8;
        if (bits == 0 || constant.Type[0] != 'u')
            throw new AbiException($"constant {constant.Name}: type {constant.Type}");
        if (bits < 64 && constant.Number >> bits != 0)
            throw new AbiException($"constant {constant.Name} does not fit {constant.Type}");
    }

    private static void CheckCalls(CallGroup group, AbiModel model)
    {
        Unique(group.Calls.Select(call => call.Name), $"{group.Name} call");
        Unique(group.Calls.Select(call => call.Number), $"{group.Name} call number");
        HashSet<string> errors = [.. model.Errors.Values.Select(value => value.Name)];
        foreach (Call call in group.Calls)
        {
            if (call.Errors.FirstOrDefault(error => !errors.Contains(error)) is string unknown)
                throw new AbiException($"call {call.Name}: no error is called {unknown}");
            Unique(call.Args.Select(parameter => parameter.Name), $"argument of {call.Name}");
        }
    }

    /// <summary>Returns the structure's alignment.</summary>
    private static int CheckStructure(Structure structure, Dictionary<string, (int Size, int Alignment)> known)
    {
        Unique(structure.Fields.Select(field => field.Name), $"field of {structure.Name}");
        int end = 0;
        int widest = 1;
        foreach (StructureField field in structure.Fields)
        {
            (int size, int alignment) = known.GetValueOrDefault(field.Type, (Names.SizeOf(field.Type), Names.SizeOf(field.Type)));
            if (size == 0)
                throw new AbiException($"{structure.Name}.{field.Name}: unknown type {field.Type} (structures are declared before use)");
            if (field.Count < 1)
                throw new AbiException($"{structure.Name}.{field.Name}: count {field.Count}");
            if (field.Offset < end || field.Offset % alignment != 0)
                throw new AbiException($"{structure.Name}.{field.Name}: offset {field.Offset} overlaps or is not aligned");
            end = field.Offset + size * field.Count;
            widest = Math.Max(widest, alignment);
        }
        if (end > structure.Size || structure.Size % widest != 0)
            throw new AbiException($"{structure.Name}: size {structure.Size}, but its fields end at {end}");
        return widest;
    }

    private static void Unique<T>(IEnumerable<T> values, string what)
    {
        HashSet<T> seen = [];
        foreach (T value in values)
        {
            if (!seen.Add(value))
                throw new AbiException($"{what} {value} occurs twice");
        }
    }
}
