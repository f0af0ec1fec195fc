using System.Collections.Immutable;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace BlackBox.Analyzers;

/// <summary>
/// Refuses what needs a managed heap or a runtime. The linker refuses most of it too (the allocator's symbols do not exist), but an
/// allocation that the compiler proves not to escape leaves no symbol behind, and a linker error names no line.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FreestandingAnalyzer : DiagnosticAnalyzer
{
    private static readonly DiagnosticDescriptor Allocation = new("BBX1001", "Allocation in freestanding code",
        "{0} needs a heap, which freestanding code does not have", "Freestanding", DiagnosticSeverity.Error, isEnabledByDefault: true);

    private static readonly DiagnosticDescriptor Runtime = new("BBX1002", "Run-time service in freestanding code",
        "{0} needs a runtime, which freestanding code does not have", "Freestanding", DiagnosticSeverity.Error, isEnabledByDefault: true);

    private static readonly DiagnosticDescriptor Pointer = new("BBX1003", "Raw pointer outside a file for it",
        "Raw pointers belong into files named *.Unsafe.cs", "Freestanding", DiagnosticSeverity.Error, isEnabledByDefault: true);

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Allocation, Runtime, Pointer];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.Analyze | GeneratedCodeAnalysisFlags.ReportDiagnostics);
        context.EnableConcurrentExecution();
        context.RegisterOperationAction(ObjectCreation, OperationKind.ObjectCreation, OperationKind.TypeParameterObjectCreation, OperationKind.AnonymousObjectCreation);
        context.RegisterOperationAction(ArrayCreation, OperationKind.ArrayCreation, OperationKind.CollectionExpression);
        context.RegisterOperationAction(Conversion, OperationKind.Conversion);
        context.RegisterOperationAction(Text, OperationKind.Binary, OperationKind.InterpolatedString);
        context.RegisterOperationAction(Loop, OperationKind.Loop);
        context.RegisterOperationAction(action => Report(action, Allocation, "A delegate"), OperationKind.DelegateCreation, OperationKind.AnonymousFunction);
        context.RegisterOperationAction(action => Report(action, Runtime, "An exception"), OperationKind.Throw, OperationKind.CatchClause);
        context.RegisterOperationAction(action => Report(action, Runtime, "Asynchronous code"), OperationKind.Await);
        context.RegisterOperationAction(action => Report(action, Runtime, "An iterator"), OperationKind.YieldReturn, OperationKind.YieldBreak);
        context.RegisterOperationAction(action => Report(action, Runtime, "A lock statement"), OperationKind.Lock);
        context.RegisterOperationAction(action => Report(action, Runtime, "Dynamic code"), OperationKind.DynamicInvocation, OperationKind.DynamicMemberReference);
        context.RegisterSyntaxNodeAction(UnsafeSyntax, SyntaxKind.PointerType, SyntaxKind.FunctionPointerType, SyntaxKind.FixedStatement, SyntaxKind.UnsafeStatement);
    }

    /// <summary>The core library is what the others' rules are made of, and holds the names the compiler asks for.</summary>
    private static bool IsExempt(SyntaxTree? tree) => tree is null || tree.FilePath.Replace('\\', '/').Contains("/Freestanding/CoreLib/");

    private static void Report(OperationAnalysisContext context, DiagnosticDescriptor rule, string what)
    {
        SyntaxNode syntax = context.Operation.Syntax;
        if (!IsExempt(syntax.SyntaxTree))
            context.ReportDiagnostic(Diagnostic.Create(rule, syntax.GetLocation(), what));
    }

    private static void ObjectCreation(OperationAnalysisContext context)
    {
        ITypeSymbol? type = context.Operation.Type;
        // A type parameter is harmless when it is constrained to structs.
        bool isValue = type is { IsValueType: true };
        if (!isValue && !IsAttributeArgument(context.Operation))
            Report(context, Allocation, $"An object of {type?.Name}");
    }

    private static void ArrayCreation(OperationAnalysisContext context)
    {
        IOperation operation = context.Operation;
        if (operation.Type is not IArrayTypeSymbol || IsAttributeArgument(operation) || IsConstantTable(operation) || BecomesSpanOfConstants(operation))
            return;
        Report(context, Allocation, "An array");
    }

    /// <summary>A static readonly array of constants is frozen into the image.</summary>
    private static bool IsConstantTable(IOperation operation)
    {
        IOperation? parent = operation.Parent;
        while (parent is IConversionOperation)
            parent = parent.Parent;
        return parent is IFieldInitializerOperation initializer
            && initializer.InitializedFields.All(field => field.IsStatic && field.IsReadOnly)
            && Elements(operation) is { } elements && elements.All(element => element.ConstantValue.HasValue);
    }

    /// <summary><c>new byte[] { 1, 2 }</c> as a ReadOnlySpan, and the implicit arrays behind such properties, are data of the image.</summary>
    private static bool BecomesSpanOfConstants(IOperation operation) =>
        operation.Parent is IConversionOperation { Type.Name: "ReadOnlySpan" }
        && Elements(operation) is { } elements && elements.All(element => element.ConstantValue.HasValue);

    private static ImmutableArray<IOperation>? Elements(IOperation operation) => operation switch
    {
        IArrayCreationOperation { Initializer: { } initializer } => initializer.ElementValues,
        ICollectionExpressionOperation collection => collection.Elements,
        _ => null,
    };

    private static void Conversion(OperationAnalysisContext context)
    {
        IConversionOperation conversion = (IConversionOperation)context.Operation;
        if (conversion.GetConversion().IsBoxing && !IsAttributeArgument(conversion))
            Report(context, Allocation, "Boxing");
    }

    private static void Text(OperationAnalysisContext context)
    {
        IOperation operation = context.Operation;
        if (operation.Type?.SpecialType == SpecialType.System_String && !operation.ConstantValue.HasValue)
            Report(context, Allocation, "A string made at run time");
    }

    private static void Loop(OperationAnalysisContext context)
    {
        if (context.Operation is not IForEachLoopOperation loop)
            return;
        IOperation collection = loop.Collection;
        while (collection is IConversionOperation { IsImplicit: true } conversion)
            collection = conversion.Operand;
        if (collection.Type is { IsReferenceType: true } type and not IArrayTypeSymbol && type.SpecialType != SpecialType.System_String)
            Report(context, Runtime, "Enumeration of an object");
    }

    private static bool IsAttributeArgument(IOperation operation)
    {
        for (IOperation? parent = operation; parent is not null; parent = parent.Parent)
        {
            if (parent.Kind == OperationKind.Attribute)
                return true;
        }
        return false;
    }

    private static void UnsafeSyntax(SyntaxNodeAnalysisContext context)
    {
        string path = context.Node.SyntaxTree.FilePath.Replace('\\', '/');
        if (IsExempt(context.Node.SyntaxTree) || path.EndsWith(".Unsafe.cs", System.StringComparison.Ordinal))
            return;
        context.ReportDiagnostic(Diagnostic.Create(Pointer, context.Node.GetLocation()));
    }
}
