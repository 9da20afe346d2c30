using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Tulu2.Evaluation.Reporting;

/// <summary>
/// Writes scalars to a TensorBoard event file: <c>tensorflow.Event</c> messages in TFRecord framing (length, masked CRC-32C of the length, data, masked CRC-32C
/// of the data; all little-endian). Each record is passed to the operating system before the call returns, so the file of a killed process is readable up to
/// its last step. Each writer creates a new file, so a resumed run has several. Not thread-safe.
/// </summary>
/// <remarks>TorchSharp's SummaryWriter would load libtorch, which the writing process must not, and stamps its first event in ticks.</remarks>
public sealed class TensorBoardWriter : IDisposable
{
    private readonly FileStream _file;
    private readonly TimeProvider _time;

    /// <param name="directory">Created if it does not exist.</param>
    public TensorBoardWriter(string directory, TimeProvider time)
    {
        _time = time;
        Directory.CreateDirectory(directory);
        _file = Create(directory, time.GetUtcNow().ToUnixTimeSeconds());
        Append(new ProtobufMessage().Double(1, Now()).Text(3, "brain.Event:2"));
    }

    public string Path => _file.Name;

    /// <summary>Writes all values of a step. Tags are the keys of <c>metrics.jsonl</c>, under <c>train/</c> or under the first word of the key.</summary>
    public void Step(StepRecord step) => Scalars(step.Step,
    [
        ("train/loss", step.Loss), ("train/learning_rate", step.LearningRate), ("train/grad_norm", step.GradNorm), ("train/tokens", step.Tokens),
        ("train/loss_tokens", step.LossTokens), ("train/seconds", step.Seconds), ("train/tokens_per_second", step.TokensPerSecond),
        .. step.More.Select(value => (TagOf(value.Name), value.Value)),
    ]);

    public void Scalars(long step, IEnumerable<(string Tag, double Value)> values)
    {
        var summary = new ProtobufMessage();
        foreach (var (tag, value) in values) summary.Message(1, new ProtobufMessage().Text(1, tag).Float(2, (float)value));
        Append(new ProtobufMessage().Double(1, Now()).Integer(2, step).Message(5, summary));
    }

    public void Dispose() => _file.Dispose();

    /// <summary><c>rewards_margin</c> is <c>rewards/margin</c>; a name of one word stays under <c>train/</c>, and <c>loss/flan</c> is a tag already.</summary>
    private static string TagOf(string name) => name.Contains('/', StringComparison.Ordinal) ? name : name.IndexOf('_') is > 0 and var end ? $"{name[..end]}/{name[(end + 1)..]}" : $"train/{name}";

    private double Now() => _time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;

    private static FileStream Create(string directory, long seconds)
    {
        for (var serial = 0; ; serial++)
        {
            // TensorBoard sorts a directory's files by name. Two starts within a second may have the same process id, in containers, hence the serial number.
            var name = string.Create(CultureInfo.InvariantCulture,
                $"events.out.tfevents.{seconds:D10}.{Environment.MachineName}.{Environment.ProcessId}.{serial}");
            try
            {
                return new FileStream(System.IO.Path.Combine(directory, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
            }
            catch (IOException) when (File.Exists(System.IO.Path.Combine(directory, name)))
            {
                // The name is taken: try the next number.
            }
        }
    }

    private void Append(ProtobufMessage message)
    {
        var data = message.ToArray();
        var record = new byte[data.Length + 16];
        BinaryPrimitives.WriteInt64LittleEndian(record, data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedCrc(record.AsSpan(0, 8)));
        data.CopyTo(record, 12);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), MaskedCrc(data));
        _file.Write(record);
        _file.Flush();
    }

    /// <summary>CRC-32C (Castagnoli), rotated right by 15 bits, plus a constant: the masking of TFRecord.</summary>
    internal static uint MaskedCrc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes) crc = BitOperations.Crc32C(crc, value);
        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8u;
    }

    /// <summary>A protobuf message with the kinds of fields that events need.</summary>
    private sealed class ProtobufMessage
    {
        private readonly MemoryStream _bytes = new();

        public ProtobufMessage Double(int field, double value) => Fixed(field, 1, BitConverter.GetBytes(value));

        public ProtobufMessage Float(int field, float value) => Fixed(field, 5, BitConverter.GetBytes(value));

        public ProtobufMessage Integer(int field, long value) => Varint((ulong)field << 3).Varint((ulong)value);

        public ProtobufMessage Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

        public ProtobufMessage Message(int field, ProtobufMessage value) => Bytes(field, value.ToArray());

        public byte[] ToArray() => _bytes.ToArray();

        private ProtobufMessage Fixed(int field, int wire, byte[] value)
        {
            if (!BitConverter.IsLittleEndian) Array.Reverse(value);
            Varint(((ulong)field << 3) | (uint)wire);
            _bytes.Write(value);
            return this;
        }

        private ProtobufMessage Bytes(int field, byte[] value)
        {
            Varint(((ulong)field << 3) | 2).Varint((ulong)value.Length);
            _bytes.Write(value);
            return this;
        }

        private ProtobufMessage Varint(ulong value)
        {
            for (; value >= 0x80; value >>= 7) _bytes.WriteByte((byte)(value | 0x80));
            _bytes.WriteByte((byte)value);
            return this;
        }
    }
}
