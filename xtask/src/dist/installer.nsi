; The installer of Mertscope for Windows, for NSIS 3. `cargo xtask dist windows` calls it in a folder with the
; bundles, with VERSION and INSTALLER defined, and writes the lists of files beside it.
;
; Silent: mertscope-VERSION-setup.exe /S, with /CurrentUser (the default) or /AllUsers.

; A 64-bit program: a 32-bit Windows refuses to start it, and Wine needs no 32-bit part.
Target amd64-unicode
!ifdef QUICK
  SetCompressor zlib
!else
  SetCompressor /SOLID lzma
!endif
!define MUI_ICON "icon.ico"
!define MUI_UNICON "icon.ico"
Name "Mertscope ${VERSION}"
OutFile "${INSTALLER}"

; A user without an administrator's rights installs for themself, and is not asked for rights.
!define MULTIUSER_EXECUTIONLEVEL Highest
!define MULTIUSER_MUI
!define MULTIUSER_INSTALLMODE_COMMANDLINE
!define MULTIUSER_INSTALLMODE_DEFAULT_CURRENTUSER
!define MULTIUSER_USE_PROGRAMFILES64
!define MULTIUSER_INSTALLMODE_INSTDIR "Mertscope"
!define MULTIUSER_INSTALLMODE_FUNCTION SetFolders
!define MULTIUSER_INSTALLMODE_UNFUNCTION un.SetFolders
!include MultiUser.nsh
!include MUI2.nsh
!include LogicLib.nsh
!include Sections.nsh

!define REGISTRY "Software\Microsoft\Windows\CurrentVersion\Uninstall\Mertscope"

Var Vst3Folder
Var ClapFolder

; The folders in which hosts look: the VST3 and CLAP formats fix them.
!macro SetFolders un
Function ${un}SetFolders
  ${If} $MultiUser.InstallMode == "AllUsers"
    StrCpy $Vst3Folder "$COMMONFILES64\VST3"
    StrCpy $ClapFolder "$COMMONFILES64\CLAP"
    StrCpy $INSTDIR "$PROGRAMFILES64\Mertscope"
  ${Else}
    StrCpy $Vst3Folder "$LOCALAPPDATA\Programs\Common\VST3"
    StrCpy $ClapFolder "$LOCALAPPDATA\Programs\Common\CLAP"
    StrCpy $INSTDIR "$LOCALAPPDATA\Programs\Mertscope"
  ${EndIf}
FunctionEnd
!macroend
!insertmacro SetFolders ""
!insertmacro SetFolders "un."

!insertmacro MUI_PAGE_LICENSE "license.txt"
!insertmacro MULTIUSER_PAGE_INSTALLMODE
!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

Function .onInit
  SetRegView 64
  !insertmacro MULTIUSER_INIT
FunctionEnd

Function un.onInit
  SetRegView 64
  !insertmacro MULTIUSER_UNINIT
FunctionEnd

Section "VST3 plugin" SectionVst3
  !include "vst3-install.nsh"
  ; Explorer shows the icon that desktop.ini names in a folder with this attribute.
  SetFileAttributes "$Vst3Folder\Mertscope.vst3\desktop.ini" HIDDEN|SYSTEM
  SetFileAttributes "$Vst3Folder\Mertscope.vst3" SYSTEM
SectionEnd

Section "CLAP plugin" SectionClap
  !include "clap-install.nsh"
SectionEnd

Section "Standalone app" SectionApp
  !include "app-install.nsh"
  CreateShortcut "$SMPROGRAMS\Mertscope.lnk" "$INSTDIR\mertscope-standalone.exe"
SectionEnd

Section "mertscope command" SectionCommand
  !include "command-install.nsh"
SectionEnd

; Always, and last.
Section "-uninstaller"
  SetOutPath "$INSTDIR"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr SHCTX "${REGISTRY}" "DisplayName" "Mertscope"
  WriteRegStr SHCTX "${REGISTRY}" "DisplayIcon" "$INSTDIR\uninstall.exe"
  WriteRegStr SHCTX "${REGISTRY}" "DisplayVersion" "${VERSION}"
  WriteRegStr SHCTX "${REGISTRY}" "Publisher" "The Mertscope developers"
  WriteRegStr SHCTX "${REGISTRY}" "InstallLocation" "$INSTDIR"
  WriteRegStr SHCTX "${REGISTRY}" "UninstallString" '"$INSTDIR\uninstall.exe" /$MultiUser.InstallMode'
  WriteRegStr SHCTX "${REGISTRY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /$MultiUser.InstallMode /S'
  WriteRegDWORD SHCTX "${REGISTRY}" "NoModify" 1
  WriteRegDWORD SHCTX "${REGISTRY}" "NoRepair" 1
SectionEnd

!insertmacro MUI_FUNCTION_DESCRIPTION_BEGIN
  !insertmacro MUI_DESCRIPTION_TEXT ${SectionVst3} "For hosts that load VST3."
  !insertmacro MUI_DESCRIPTION_TEXT ${SectionClap} "For hosts that load CLAP."
  !insertmacro MUI_DESCRIPTION_TEXT ${SectionApp} "The same window without a host, for an audio input or a file."
  !insertmacro MUI_DESCRIPTION_TEXT ${SectionCommand} "Analyzes audio files from a command line."
!insertmacro MUI_FUNCTION_DESCRIPTION_END

; Only files that the installer put there; models, heads and settings of the user stay.
Section "Uninstall"
  !include "vst3-remove.nsh"
  !include "clap-remove.nsh"
  !include "app-remove.nsh"
  !include "command-remove.nsh"
  Delete "$SMPROGRAMS\Mertscope.lnk"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  DeleteRegKey SHCTX "${REGISTRY}"
SectionEnd
