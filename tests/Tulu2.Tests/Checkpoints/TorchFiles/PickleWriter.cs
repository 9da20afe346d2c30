using System.Buffers.Binary;
using System.Text;

namespace Tulu2.Tests.Checkpoints.TorchFiles;

/// <summary>Puts a pickle together, operation by operation.</summary>
internal sealed class PickleWriter
{
    private readonly MemoryStream _bytes = new();

    public byte[] Bytes() => _bytes.ToArray();

    public PickleWriter Protocol(byte version = 2) => Op('\x80').Byte(version);

    public PickleWriter Op(char operation) => Byte((byte)operation);

    public PickleWriter Byte(byte value)
    {
        _bytes.WriteByte(value);
        return this;
    }

    public PickleWriter Put(byte place) => Op('q').Byte(place);

    public PickleWriter Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return Op('X').Four(bytes.Length).Raw(bytes);
    }

    public PickleWriter Global(string module, string name) => Op('c').Raw(Encoding.UTF8.GetBytes($"{module}\n{name}\n"));

    public PickleWriter Whole(long value) => value is >= 0 and < 256 ? Op('K').Byte((byte)value) : Op('J').Four((int)value);

    /// <summary>A tuple.</summary>
    public PickleWriter Whole(long[] values)
    {
        if (values.Length > 3) Op('(');
        foreach (var value in values) Whole(value);
        return values.Length switch { 0 => Op(')'), 1 => Op('\x85'), 2 => Op('\x86'), 3 => Op('\x87'), _ => Op('t') };
    }

    public PickleWriter Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    private PickleWriter Four(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return Raw(bytes);
    }
}
