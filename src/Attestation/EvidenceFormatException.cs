namespace BlackBox.Attestation;

/// <summary>Bytes that are no evidence of this format.</summary>
public sealed class EvidenceFormatException : FormatException
{
    public EvidenceFormatException()
    {
    }

    public EvidenceFormatException(string message)
        : base(message)
    {
    }

    public EvidenceFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
