using System.Buffers.Binary;
using System.Text;
using Tulu2.Evaluation.Reporting;
using Xunit;

namespace Tulu2.Tests.Evaluation.Reporting;

public sealed class TensorBoardWriterTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("tulu2-tensorboard-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void The_checksum_is_the_masked_castagnoli_one()
    {
        // CRC-32C("123456789") = e3069283, from its definition; the mask turns it by 15 bits and adds a282ead8.
        var turned = (0xe3069283u >> 15) | (0xe3069283u << 17);
        Assert.Equal(unchecked(turned + 0xa282ead8u), TensorBoardWriter.MaskedCrc("123456789"u8));
        // The framing of an 8-byte length 24 as TensorFlow and TorchSharp write it.
        Assert.Equal(0x224B7FA3u, TensorBoardWriter.MaskedCrc([24, 0, 0, 0, 0, 0, 0, 0]));
    }

    [Fact]
    public void A_file_parses_back_while_it_is_still_open()
    {
        using var writer = new TensorBoardWriter(_directory, new FixedTime(1_700_000_000));
        writer.Step(new StepRecord(7, 1.25, 2e-5, 3, 1000, 400, 0.5));
        writer.Step(new StepRecord(8, 1.0, 1e-5, 3, 1000, 400, 0.5) { More = [new("rewards_margin", 0.2), new("divergence", 3), new("logps_chosen_mean", -5)] });

        var events = Records(File.Open(writer.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite)).Select(Event).ToList();

        Assert.Equal(3, events.Count);
        Assert.Equal("brain.Event:2", events[0].Version);
        Assert.All(events, e => Assert.Equal(1_700_000_000.0, e.Time));
        Assert.Equal(7, events[1].Step);
        Assert.Equal(1.25f, events[1].Scalars["train/loss"]);
        Assert.Equal(2000f, events[1].Scalars["train/tokens_per_second"]);
        Assert.DoesNotContain("rewards/margin", events[1].Scalars.Keys);
        Assert.Equal(0.2f, events[2].Scalars["rewards/margin"]);
        Assert.Equal(3f, events[2].Scalars["train/divergence"]);
        Assert.Equal(-5f, events[2].Scalars["logps/chosen_mean"]);
    }

    [Fact]
    public void Two_starts_in_one_second_write_two_files_that_sort_in_order()
    {
        using var first = new TensorBoardWriter(_directory, new FixedTime(1_700_000_000));
        using var second = new TensorBoardWriter(_directory, new FixedTime(1_700_000_000));
        Assert.True(string.CompareOrdinal(first.Path, second.Path) < 0);
        Assert.All([first.Path, second.Path], path => Assert.StartsWith("events.out.tfevents.1700000000.", Path.GetFileName(path)));
    }

    private static List<byte[]> Records(Stream file)
    {
        using var copy = new MemoryStream();
        using (file) file.CopyTo(copy);
        var bytes = copy.ToArray().AsSpan();
        var records = new List<byte[]>();
        while (bytes.Length > 0)
        {
            var length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
            Assert.Equal(TensorBoardWriter.MaskedCrc(bytes[..8]), BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]));
            var data = bytes.Slice(12, length);
            Assert.Equal(TensorBoardWriter.MaskedCrc(data), BinaryPrimitives.ReadUInt32LittleEndian(bytes[(12 + length)..]));
            records.Add(data.ToArray());
            bytes = bytes[(16 + length)..];
        }
        return records;
    }

    private static (double Time, long Step, string? Version, Dictionary<string, float> Scalars) Event(byte[] data)
    {
        var fields = Fields(data);
        var scalars = new Dictionary<string, float>();
        if (fields.TryGetValue(5, out var summaries))
            foreach (var value in Fields(summaries.Single()).GetValueOrDefault(1, []).Select(Fields))
                scalars.Add(Encoding.UTF8.GetString(value[1].Single()), BinaryPrimitives.ReadSingleLittleEndian(value[2].Single()));
        return (BinaryPrimitives.ReadDoubleLittleEndian(fields[1].Single()),
            fields.TryGetValue(2, out var step) ? BinaryPrimitives.ReadInt64LittleEndian(step.Single()) : 0,
            fields.TryGetValue(3, out var version) ? Encoding.UTF8.GetString(version.Single()) : null, scalars);
    }

    // A second, independent reading of the protobuf wire format: field number to the raw bytes of each occurrence.
    private static Dictionary<int, List<byte[]>> Fields(byte[] message)
    {
        var fields = new Dictionary<int, List<byte[]>>();
        for (var at = 0; at < message.Length;)
        {
            var key = Varint();
            var value = (key & 7) switch
            {
                0 => BitConverter.GetBytes(Varint()),
                1 => Take(8),
                5 => Take(4),
                2 => Take((int)Varint()),
                var wire => throw new InvalidDataException($"wire type {wire}"),
            };
            if (!fields.TryGetValue((int)(key >> 3), out var list)) fields.Add((int)(key >> 3), list = []);
            list.Add(value);

            byte[] Take(int count) => message[at..(at += count)];

            ulong Varint()
            {
                ulong result = 0;
                for (var shift = 0; ; shift += 7)
                {
                    result |= (ulong)(message[at] & 0x7f) << shift;
                    if (message[at++] < 0x80) return result;
                }
            }
        }
        return fields;
    }

    private sealed class FixedTime(long seconds) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(seconds);
    }
}
