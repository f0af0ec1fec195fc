namespace System.Text
{
    /// <summary>A name that the C# compiler wants for record structs, whose ToString no freestanding program calls.</summary>
    public sealed class StringBuilder
    {
        public StringBuilder Append(string? value) => this;

        public StringBuilder Append(object? value) => this;

        public StringBuilder Append(char value) => this;
    }
}
