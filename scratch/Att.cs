using System.Runtime.InteropServices;
using TorchSharp;
using Tulu2.Models.Llama; using Tulu2.Models.Llama.Kernels; using Tulu2.Models.Torch;
using static TorchSharp.torch;
static unsafe class Att {
 [DllImport("torch_cpu")] static extern int aoti_torch_cpu__scaled_dot_product_flash_attention_for_cpu(nint q,nint k,nint v,double p,int causal,nint* mask,double* scale,nint* r0,nint* r1);
 [DllImport("torch_cpu")] static extern int aoti_torch_cpu__scaled_dot_product_flash_attention_for_cpu_backward(nint g,nint q,nint k,nint v,nint o,nint l,double p,int causal,nint* mask,double* scale,nint* r0,nint* r1,nint* r2);
 public static void Run(ScalarType type){
  foreach (var hd in (Environment.GetEnvironmentVariable("HD")??"16,32,64,128").Split(',').Select(int.Parse)) foreach (var T in new[]{64,128,256,512,1024,2048}) {
   int H=512/hd, N=Math.Max(T,1024); using var scope=NewDisposeScope(); using var ng=no_grad();
   var cfg=new LlamaConfig{HiddenSize=512,IntermediateSize=64,Layers=1,Heads=H,KeyValueHeads=H,HeadSize=hd,VocabularySize=64};
   var heads=new HeadGeometry(cfg,1); var kern=BlockKernels.For(type,DeviceType.CPU,heads,new RotaryTable(hd,10000,T));
   using var ws=new Workspace(type,CPU); var groups=SegmentGroup.Of(Enumerable.Repeat(T,N/T).ToArray()); var pos=Enumerable.Range(0,N).Select(i=>i%T).ToArray();
   var tape=AttentionTape.Rent(heads,N,ws); foreach(var t in new[]{tape.Queries,tape.Keys,tape.Values}) t.normal_(); var go=randn([N,512]).to_type(type); var gf=zeros([N,1536],dtype:type);
   Console.Write($"{type,-9} hd{hd,-4}T{T,-5}");
   foreach (var qb in new[]{32,64,128,256,512,100000}) { if (qb!=100000 && qb>=T) continue; if (qb==100000&&T>1024) continue; var at=new Attention(heads,kern,(l,_)=>Math.Min(l,qb)); double f=1e9,b=1e9; for(int i=0;i<5;i++){ var t0=Cpu.Now(); at.Forward(tape,groups,ws); var t1=Cpu.Now(); at.Backward(tape,groups,pos,go,gf,ws); var t2=Cpu.Now(); f=Math.Min(f,t1-t0); b=Math.Min(b,t2-t1);} Console.Write($" {(qb>T?"all":qb.ToString())}:{f*1e3:f1}+{b*1e3:f1}={(f+b)*1e3:f1}"); }
   { var q=randn([N/T,H,T,hd]).to_type(type); var k=randn([N/T,H,T,hd]).to_type(type); var v=randn([N/T,H,T,hd]).to_type(type); var g=randn([N/T,H,T,hd]).to_type(type); double f=1e9,b=1e9;
    for(int i=0;i<5;i++){ nint o,l,a,c,d; var t0=Cpu.Now(); aoti_torch_cpu__scaled_dot_product_flash_attention_for_cpu(q.Handle,k.Handle,v.Handle,0,1,null,null,&o,&l); var t1=Cpu.Now(); aoti_torch_cpu__scaled_dot_product_flash_attention_for_cpu_backward(g.Handle,q.Handle,k.Handle,v.Handle,o,l,0,1,null,null,&a,&c,&d); var t2=Cpu.Now(); f=Math.Min(f,t1-t0); b=Math.Min(b,t2-t1); foreach(var h in new[]{o,l,a,c,d}) Tensor.UnsafeCreateTensor(h).Dispose(); }
    Console.WriteLine($" flash:{f*1e3:f1}+{b*1e3:f1}={(f+b)*1e3:f1}"); }
  } } }
