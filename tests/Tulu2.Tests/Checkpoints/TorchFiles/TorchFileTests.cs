using System.Runtime.InteropServices;
using FsCheck.Xunit;
using Tulu2.Checkpoints.TorchFiles;
using Tulu2.Files;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Checkpoints.TorchFiles;

public sealed unsafe class TorchFileTests : IDisposable
{
    private const string Marker = "/tmp/tulu2-a-pickle-was-run";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Views_of_shared_storages_are_read_with_their_offsets_and_strides()
    {
        float[] numbers = [.. Enumerable.Range(0, 24)];
        TorchWriter.Write(_folder.File("w.bin"),
        [
            new("whole", "FloatStorage", "0", 0, [4, 6], [6, 1]),
            new("same", "FloatStorage", "0", 0, [4, 6], [6, 1]),
            new("tail", "FloatStorage", "0", 12, [2, 1, 6], [6, 99, 1]),
            new("transposed", "FloatStorage", "0", 0, [6, 4], [1, 6]),
            new("column", "FloatStorage", "0", 2, [4], [6]),
            new("spread", "FloatStorage", "0", 5, [2, 3], [0, 1]),
            new("number", "FloatStorage", "0", 7, [], []),
            new("nothing", "FloatStorage", "0", 0, [0, 6], [6, 1]),
        ], new Dictionary<string, byte[]> { ["0"] = MemoryMarshal.AsBytes<float>(numbers).ToArray() });
        using var file = new TorchFile(_folder.File("w.bin"));
        float[] Read(string name) => new ReadOnlySpan<float>(file.Address(file.Entries[name]), (int)file.Entries[name].Elements).ToArray();
        Assert.Equal(numbers, Read("whole"));
        Assert.True(file.Address(file.Entries["whole"]) == file.Address(file.Entries["same"]));
        Assert.Equal(numbers[12..], Read("tail"));
        Assert.Equal([0, 6, 12, 18, 1, 7], Read("transposed")[..6]);
        Assert.Equal([2, 8, 14, 20], Read("column"));
        Assert.Equal([5, 6, 7, 5, 6, 7], Read("spread"));
        Assert.Equal([7], Read("number"));
        Assert.Empty(Read("nothing"));
        Assert.All(file.Entries.Values, entry => Assert.Equal("F32", entry.DataType));
    }

    [Fact]
    public void Parameters_are_read_as_tensors()
    {
        TorchWriter.Write(_folder.File("w.bin"), [new("a", "BFloat16Storage", "0", 0, [2], [1])], new Dictionary<string, byte[]> { ["0"] = [1, 2, 3, 4] }, parameters: true);
        using var file = new TorchFile(_folder.File("w.bin"));
        Assert.Equal(("BF16", 4), (file.Entries["a"].DataType, (int)file.Entries["a"].Bytes));
    }

    public static TheoryData<string, byte[]> Attacks
    {
        get
        {
            PickleWriter New() => new PickleWriter().Protocol();
            var touch = $"touch {Marker}";
            return new()
            {
                { "posix.system", New().Global("posix", "system").Text(touch).Op('\x85').Op('R').Op('.').Bytes() },
                { "os.system", New().Text("os").Text("system").Op('\x93').Text(touch).Op('\x85').Op('R').Op('.').Bytes() },
                { "builtins.eval", New().Op('}').Op('(').Text("a").Global("builtins", "eval").Text("1").Op('\x85').Op('R').Op('u').Op('.').Bytes() },
                { "subprocess.Popen", New().Op('(').Op('i').Raw("subprocess\nPopen\n"u8).Op('.').Bytes() },
                { "torch.storage._load_from_bytes", New().Global("torch.storage", "_load_from_bytes").Op('.').Bytes() },
                { "numpy.core.multiarray._reconstruct", New().Global("numpy.core.multiarray", "_reconstruct").Op('.').Bytes() },
                { "collections.OrderedDict.__class__", New().Global("collections", "OrderedDict.__class__").Op('.').Bytes() },
                { "0x82", New().Op('\x82').Byte(1).Op('.').Bytes() },
                { "0x81", New().Global("collections", "OrderedDict").Op(')').Op('\x81').Op('.').Bytes() },
                { "torch.FloatStorage", New().Global("torch", "FloatStorage").Op(')').Op('R').Op('.').Bytes() },
                { "collections.OrderedDict", New().Global("collections", "OrderedDict").Text("os").Op('\x85').Op('R').Op('.').Bytes() },
                { "0x62", New().Op(']').Op('}').Op('b').Op('.').Bytes() },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Anything_but_plain_tensors_is_refused_by_name_and_nothing_is_run(string named, byte[] pickle)
    {
        var failure = Assert.Throws<BadInputException>(() => Open(pickle));
        Assert.Equal(_folder.File("w.bin"), failure.Where);
        Assert.Contains(named, failure.What);
        Assert.Contains("safetensors", failure.Fix);
        Assert.False(File.Exists(Marker));
    }

    [Fact]
    public void What_is_no_state_dict_is_named()
    {
        PickleWriter New() => new PickleWriter().Protocol();
        Assert.Contains("'epoch' is a number", Refused(New().Op('}').Text("epoch").Whole(3).Op('s')));
        Assert.Contains("'model' is a dictionary", Refused(New().Op('}').Text("model").Op('}').Op('s')));
        Assert.Contains("a number as a name", Refused(New().Op('}').Whole(1).Whole(3).Op('s')));
        Assert.Contains("holds a list", Refused(New().Op(']')));
        Assert.Contains("holds None", Refused(New().Op('N')));

        string Refused(PickleWriter pickle) => Assert.Throws<BadInputException>(() => Open(pickle.Op('.').Bytes())).What;
    }

    [Theory]
    [InlineData(1, new long[] { 4 }, new long[] { 1 }, "beyond its storage")]
    [InlineData(0, new long[] { 2, 3 }, new long[] { 3, 1 }, "beyond its storage")]
    [InlineData(0, new long[] { 1 << 30, 1 << 30, 1 << 30 }, new long[] { 0, 0, 0 }, "impossible sizes")]
    [InlineData(0, new long[] { 1, 1, 1, 1, 1, 1, 1, 1, 1 }, new long[] { 1, 1, 1, 1, 1, 1, 1, 1, 1 }, "9 dimensions")]
    [InlineData(0, new long[] { 2 }, new long[] { 1, 1 }, "no plain tensor")]
    public void A_tensor_that_its_storage_does_not_hold_is_refused(long offset, long[] shape, long[] strides, string named)
    {
        TorchWriter.Write(_folder.File("w.bin"), [new("a", "FloatStorage", "0", offset, shape, strides)], new Dictionary<string, byte[]> { ["0"] = new byte[16] });
        Assert.Contains(named, Assert.Throws<BadInputException>(() => new TorchFile(_folder.File("w.bin"))).What);
    }

    [Fact]
    public void Other_forms_of_the_archive_are_named()
    {
        byte[] pickle = new PickleWriter().Protocol().Op('}').Op('.').Bytes();
        Assert.Contains("big-endian", Refused([("a/data.pkl", pickle), ("a/byteorder", "big"u8.ToArray())]));
        Assert.Contains("2 parts named data.pkl", Refused([("a/data.pkl", pickle), ("b/data.pkl", pickle)]));
        Assert.Contains("is compressed", Assert.Throws<BadInputException>(() => Open(TorchWriter.Zip([("a/data.pkl", pickle)], method: 8), zipped: true)).What);
        Assert.Contains("before version 1.6", Assert.Throws<BadInputException>(() =>
            Open([0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E], zipped: true)).What);

        string Refused((string, byte[])[] parts) => Assert.Throws<BadInputException>(() => Open(TorchWriter.Zip(parts), zipped: true)).What;
    }

    [Fact]
    public void A_file_cut_at_any_place_is_refused()
    {
        var whole = Sample();
        for (var length = 0; length < whole.Length; length++)
            Assert.Throws<BadInputException>(() => Open(whole[..length], zipped: true));
    }

    [Property(MaxTest = 2000)]
    public void Damaged_bytes_give_tensors_or_a_complaint_and_never_a_crash((int Place, byte Value)[] changes)
    {
        var bytes = Sample();
        foreach (var (place, value) in changes.Take(8)) bytes[Math.Abs((long)place * 7919) % bytes.Length] = value;
        try
        {
            using var file = Open(bytes, zipped: true);
            foreach (var entry in file.Entries.Values.Where(entry => entry.Bytes is > 0 and < 1 << 20))
            {
                var last = file.Address(entry)[entry.Bytes - 1];
                Assert.InRange(last, 0, 255);
            }
        }
        catch (BadInputException complaint)
        {
            Assert.NotEmpty(complaint.Fix);
        }
    }

    private byte[] Sample()
    {
        TorchWriter.Write(_folder.File("sample.bin"),
            [new("a", "FloatStorage", "0", 0, [2, 2], [1, 2]), new("b", "HalfStorage", "1", 1, [3], [1])],
            new Dictionary<string, byte[]> { ["0"] = new byte[16], ["1"] = new byte[8] });
        return File.ReadAllBytes(_folder.File("sample.bin"));
    }

    private TorchFile Open(byte[] pickle, bool zipped = false)
    {
        File.WriteAllBytes(_folder.File("w.bin"), zipped ? pickle : TorchWriter.Zip([("archive/data.pkl", pickle)]));
        return new TorchFile(_folder.File("w.bin"));
    }
}
