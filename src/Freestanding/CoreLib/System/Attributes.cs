namespace System
{
    public abstract class Attribute
    {
    }

    [Flags]
    public enum AttributeTargets
    {
        Assembly = 0x0001,
        Module = 0x0002,
        Class = 0x0004,
        Struct = 0x0008,
        Enum = 0x0010,
        Constructor = 0x0020,
        Method = 0x0040,
        Property = 0x0080,
        Field = 0x0100,
        Event = 0x0200,
        Interface = 0x0400,
        Parameter = 0x0800,
        Delegate = 0x1000,
        ReturnValue = 0x2000,
        GenericParameter = 0x4000,
        All = 0x7fff,
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class AttributeUsageAttribute(AttributeTargets validOn) : Attribute
    {
        public AttributeTargets ValidOn { get; } = validOn;

        public bool AllowMultiple { get; set; }

        public bool Inherited { get; set; }
    }

    [AttributeUsage(AttributeTargets.Enum)]
    public sealed class FlagsAttribute : Attribute
    {
    }

    [AttributeUsage(AttributeTargets.Parameter)]
    public sealed class ParamArrayAttribute : Attribute
    {
    }

    [AttributeUsage(AttributeTargets.All)]
    public sealed class ObsoleteAttribute : Attribute
    {
        public ObsoleteAttribute() { }

        public ObsoleteAttribute(string? message) { }

        public ObsoleteAttribute(string? message, bool error) { }

        public string? DiagnosticId { get; set; }

        public string? UrlFormat { get; set; }
    }

    [AttributeUsage(AttributeTargets.All)]
    public sealed class CLSCompliantAttribute(bool isCompliant) : Attribute
    {
        public bool IsCompliant { get; } = isCompliant;
    }
}

namespace System.Reflection
{
    [AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Interface)]
    public sealed class DefaultMemberAttribute(string memberName) : Attribute
    {
        public string MemberName { get; } = memberName;
    }
}

namespace System.Diagnostics
{
    [AttributeUsage(AttributeTargets.Class | AttributeTargets.Method, AllowMultiple = true)]
    public sealed class ConditionalAttribute(string conditionString) : Attribute
    {
        public string ConditionString { get; } = conditionString;
    }

    [AttributeUsage(AttributeTargets.All)]
    public sealed class StackTraceHiddenAttribute : Attribute
    {
    }

    [AttributeUsage(AttributeTargets.All)]
    public sealed class DebuggerDisplayAttribute(string? value) : Attribute
    {
        public string? Value { get; } = value;
    }

    /// <summary>Assertions that only the host-side build of the same sources executes.</summary>
    public static class Debug
    {
        [Conditional("DEBUG_FREESTANDING")]
        public static void Assert([CodeAnalysis.DoesNotReturnIf(false)] bool condition)
        {
            if (!condition)
                BlackBox.Freestanding.Panic.Fail("assertion failed"u8);
        }
    }
}
