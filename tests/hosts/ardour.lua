-- Steps of ardour_host.py in Ardour's session tool, without a window: STEP names one, FOLDER is the session's.

local STEP, FOLDER = os.getenv("STEP"), os.getenv("FOLDER")
local RATE_HZ = tonumber(os.getenv("RATE_HZ") or "48000")
local CHANNELS = tonumber(os.getenv("CHANNELS") or "2")
local SECONDS = tonumber(os.getenv("SECONDS") or "10")
local UI = ARDOUR.TransportRequestSource.TRS_UI

local function wait(seconds)
  ARDOUR.LuaAPI.usleep(math.floor(seconds * 1000000))
end

-- The dummy backend plays `device` into every input, `speed` as fast as the clock.
local function engine(device, speed)
  local backend = AudioEngine:set_backend("None (Dummy)", "", "")
  backend:set_driver(speed)
  backend:set_device_name(device)
end

local function roll(session, from, to)
  session:request_locate(from, false, ARDOUR.LocateTransportDisposition.MustStop, UI)
  wait(0.3)
  session:request_roll(UI)
  local tries = 0
  while session:transport_sample() < to and tries < 3000 do
    wait(0.02)
    tries = tries + 1
  end
  assert(session:transport_sample() >= to, "the transport stands at " .. session:transport_sample())
end

local function stop(session)
  session:request_stop(false, false, UI)
  wait(0.5)
end

local function open(name)
  engine("Silence", os.getenv("SPEED") or "Normal Speed")
  return assert(load_session(FOLDER, name), name .. " can't be loaded")
end

local function save(session, name)
  assert(session:save_state(name, false, false, false, false, false) == 0, "the session can't be saved")
end

-- The plugin on the track: nil when the track has none.
local function plugin_on(track)
  local index = 0
  while true do
    local processor = track:nth_plugin(index)
    if processor:isnil() then return nil end
    if processor:name() == "Mertscope" then return processor end
    index = index + 1
  end
end

local function add(session, track)
  local processor = ARDOUR.LuaAPI.new_plugin(session, "Mertscope", ARDOUR.PluginType.VST3, "")
  assert(not processor:isnil(), "Ardour knows no plugin Mertscope")
  assert(track:add_processor_by_index(processor, 0, nil, true) == 0, "the plugin can't be added")
  return processor
end

-- Prints a line per parameter: its label, a tab, its value.
local function print_parameters(processor)
  local plugin = processor:to_plugininsert():plugin(0)
  for index = 0, plugin:parameter_count() - 1 do
    local value = ARDOUR.LuaAPI.get_processor_param(processor, index, 0)
    print("parameter\t" .. plugin:parameter_label(index) .. "\t" .. value)
  end
end

local steps = {}

-- A session "plain" with a track of recorded noise.
function steps.record()
  engine("Uniform White Noise", "50x Speed")
  local session = create_session(FOLDER, "plain", RATE_HZ)
  local tracks = session:new_audio_track(CHANNELS, CHANNELS, nil, 1, "Music", ARDOUR.PresentationInfo.max_order,
    ARDOUR.TrackMode.Normal, true)
  local track = tracks:front()
  track:rec_enable_control():set_value(1, PBD.GroupControlDisposition.NoGroup)
  session:maybe_enable_record()
  roll(session, 0, SECONDS * RATE_HZ)
  stop(session)
  session:disable_record(false, true)
  track:rec_enable_control():set_value(0, PBD.GroupControlDisposition.NoGroup)
  assert(track:to_track():playlist():region_list():size() == 1, "nothing was recorded")
  save(session, "")
end

-- "plain" with the plugin on its track, saved as "plugged"; with MOVE every parameter moves, and HOP is the hop's
-- place in its range.
function steps.add()
  local session = open("plain")
  local processor = add(session, session:route_by_name("Music"))
  local plugin = processor:to_plugininsert():plugin(0)
  for index = 0, plugin:parameter_count() - 1 do
    local value = ARDOUR.LuaAPI.get_processor_param(processor, index, 0)
    if os.getenv("MOVE") then
      ARDOUR.LuaAPI.set_processor_param(processor, index, value > 0.5 and 0.0 or 1.0)
    elseif os.getenv("HOP") and plugin:parameter_label(index) == "Hop" then
      ARDOUR.LuaAPI.set_processor_param(processor, index, tonumber(os.getenv("HOP")))
    end
  end
  -- A VST3 plugin gets a parameter with the next block of audio.
  wait(1)
  print_parameters(processor)
  save(session, "plugged")
end

-- The parameters of a saved session.
function steps.read()
  local session = open("plugged")
  print_parameters(assert(plugin_on(session:route_by_name("Music")), "the session lost its plugin"))
end

-- The saved session is played from start to end.
function steps.play()
  local session = open("plugged")
  roll(session, 0, SECONDS * RATE_HZ)
  stop(session)
end

-- The plugin is added and removed while the transport rolls.
function steps.add_and_remove()
  local session = open("plain")
  local track = session:route_by_name("Music")
  session:request_roll(UI)
  wait(0.5)
  for _ = 1, 12 do
    local processor = add(session, track)
    wait(0.1)
    assert(track:remove_processor(processor, nil, true) == 0, "the plugin can't be removed")
  end
  assert(plugin_on(track) == nil, "a plugin stayed")
  assert(session:transport_sample() > 0, "the transport stood still")
  stop(session)
end

steps[STEP]()
close_session()
print("done\t" .. STEP)
quit()
