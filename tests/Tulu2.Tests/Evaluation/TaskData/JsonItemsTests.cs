using System.IO.Compression;
using System.Text;
using Tulu2.Evaluation.TaskData;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.TaskData;

public sealed class JsonItemsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tulu2-items-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("{\"a\": 1}\n\n{\"a\": \"2.0\"}\n{\"a\": NaN}", new[] { 1, 3, 4 })]
    [InlineData("\uFEFF[\n  {\"a\": 1},\n  {\n  \"a\": \"2\"},\n\n{\"a\": null}]\n", new[] { 2, 3, 6 })]
    [InlineData("[{\"a\": 1}, {\"a\": 2.0}, {\"b\": \"a\\nb\"}]", new[] { 1, 1, 1 })]
    public void Objects_have_the_lines_that_they_begin_in(string text, int[] lines)
    {
        var items = JsonItems.Read(Write(text));
        Assert.Equal(lines, items.Select(item => item.Line));
        Assert.Equal([1, 2, null], items.Select(item => item.Number("a")));
    }

    [Fact]
    public void Packed_files_are_read_by_their_content()
    {
        var path = Path.Combine(_folder, "x.json.gz");
        using (var gzip = new GZipStream(File.Create(path), CompressionMode.Compress)) gzip.Write("[{\"a\": 7}]"u8);
        Assert.Equal(7, JsonItems.Read(path).Single().Number("a"));
        Assert.Equal(path, JsonItems.Find(_folder, "y.json", "x.json"));
        Assert.Null(JsonItems.Find(_folder, "y.json"));
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^12]);
        Assert.Throws<BadInputException>(() => JsonItems.Read(path));
    }

    [Theory]
    [InlineData("{\"a\": 1}\n{\"a\": \n", 2)]
    [InlineData("{\"a\": 1}\n[2]\n", 2)]
    [InlineData("[\n{\"a\": 1},\n3]", 3)]
    [InlineData("[\n{\"a\": 1},\n{\"a\": }]", 3)]
    [InlineData("[\n{\"a\": 1},\n", 3)]
    [InlineData("[\n{\"a\": 1}\n]\n{}", 4)]
    public void What_is_broken_is_named_by_its_line(string text, int line)
    {
        var path = Write(text);
        Assert.Equal($"{path}:{line}", Assert.Throws<BadInputException>(() => JsonItems.Read(path)).Where);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n")]
    [InlineData("[]")]
    public void A_file_without_objects_is_an_error(string text) => Assert.Throws<BadInputException>(() => JsonItems.Read(Write(text)));

    [Theory]
    [InlineData("{\"a\": \"many\"}")]
    [InlineData("{\"a\": [1]}")]
    [InlineData("{\"a\": true}")]
    public void A_value_that_is_no_number_is_an_error(string text)
    {
        var path = Write(text);
        Assert.Equal($"{path}:1", Assert.Throws<BadInputException>(() => JsonItems.Read(path).Single().Number("a")).Where);
    }

    private string Write(string text)
    {
        var path = Path.Combine(_folder, "items.json");
        File.WriteAllText(path, text, new UTF8Encoding(false));
        return path;
    }
}
