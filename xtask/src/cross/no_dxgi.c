/* No graphics cards for ONNX Runtime under Wine, which has none without a display either. Wine's own library makes Wine 8
   wait for ever now and then: it registers a window class while it is loaded, as another thread starts to use windows. */
#include <windows.h>

__declspec(dllexport) HRESULT WINAPI CreateDXGIFactory2(UINT flags, REFIID wanted, void **factory)
{
    (void)flags, (void)wanted;
    *factory = NULL;
    return E_NOTIMPL;
}
