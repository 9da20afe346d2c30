using BenchmarkDotNet.Running;

// Ratios against a baseline of the same run: dotnet run -c Release --project tests/Tulu2.Benchmarks -- --filter '*'
BenchmarkSwitcher.FromAssembly(System.Reflection.Assembly.GetExecutingAssembly()).Run(args);
