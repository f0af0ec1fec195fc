using System;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace BlackBox.Freestanding;

/// <summary>The end of a program that found itself wrong. In the ordinary library it is an exception, which tests can expect.</summary>
public static class Panic
{
    /// <summary>Stops this program with a reason.</summary>
    /// <param name="text">UTF-8, a constant.</param>
    /// <exception cref="PanicException">Always.</exception>
    [DoesNotReturn]
    public static void Fail(ReadOnlySpan<byte> text) => throw new PanicException(Encoding.UTF8.GetString(text));

    /// <summary>Stops this program unless <paramref name="condition"/> holds.</summary>
    /// <exception cref="PanicException">The condition does not hold.</exception>
    public static void Unless([DoesNotReturnIf(false)] bool condition, ReadOnlySpan<byte> text)
    {
        if (!condition)
            Fail(text);
    }
}

/// <summary>What <see cref="Panic"/> throws where there is a runtime to throw in.</summary>
public sealed class PanicException(string message) : Exception(message);
