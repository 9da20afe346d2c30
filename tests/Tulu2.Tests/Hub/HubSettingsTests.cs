using Tulu2.Files;
using Tulu2.Hub.Settings;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Hub;

public sealed class HubSettingsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private HubSettings Read(params (string Name, string Value)[] variables) =>
        HubSettings.Read(name => variables.FirstOrDefault(variable => variable.Name == name).Value, _folder.Root);

    [Fact]
    public void Without_variables_it_is_the_ecosystems_default()
    {
        var settings = Read();
        Assert.Equal(("https://huggingface.co", _folder.File(".cache/huggingface/hub"), null, false),
            (settings.Endpoint, settings.CacheDirectory, settings.Token, settings.IsOffline));
    }

    [Fact]
    public void The_variables_of_the_ecosystem_hold()
    {
        Assert.Equal("http://hub.example:8080/mirror", Read(("HF_ENDPOINT", "http://hub.example:8080/mirror/")).Endpoint);
        Assert.Equal("/x/huggingface/hub", Read(("XDG_CACHE_HOME", "/x")).CacheDirectory);
        Assert.Equal("/h/hub", Read(("XDG_CACHE_HOME", "/x"), ("HF_HOME", "/h")).CacheDirectory);
        Assert.Equal("/c", Read(("HF_HOME", "/h"), ("HF_HUB_CACHE", "/c"), ("HUGGINGFACE_HUB_CACHE", "/old")).CacheDirectory);
        Assert.True(Read(("HF_HUB_OFFLINE", "on")).IsOffline);
        Assert.True(Read(("TRANSFORMERS_OFFLINE", "1")).IsOffline);
        Assert.False(Read(("HF_HUB_OFFLINE", "0")).IsOffline);
        Assert.Equal(TimeSpan.FromSeconds(2.5), Read(("HF_HUB_DOWNLOAD_TIMEOUT", "2.5")).Patience);
    }

    [Fact]
    public void The_token_is_the_variables_or_the_files()
    {
        _folder.Write("token", "hf_file\n");
        Assert.Equal("hf_file", Read(("HF_HOME", _folder.Root)).Token);
        Assert.Equal("hf_variable", Read(("HF_HOME", _folder.Root), ("HF_TOKEN", " hf_variable ")).Token);
        Assert.Equal("hf_file", Read(("HF_TOKEN_PATH", _folder.File("token"))).Token);
        Assert.Null(Read(("HF_HOME", _folder.Root), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")).Token);
    }

    [Theory]
    [InlineData("HF_ENDPOINT", "huggingface.co")]
    [InlineData("HF_ENDPOINT", "ftp://huggingface.co")]
    [InlineData("HF_HUB_DOWNLOAD_TIMEOUT", "soon")]
    [InlineData("HF_TOKEN", "hf_a\nX-Header: b")]
    public void What_makes_no_sense_is_named(string name, string value) =>
        Assert.Equal(name, Assert.Throws<BadInputException>(() => Read((name, value))).Where);
}
